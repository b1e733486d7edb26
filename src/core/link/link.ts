import type { Duplex } from 'node:stream';
import { deserialize, serialize } from 'node:v8';
import { turn } from '../clock.js';
import { FrameReader, frameHeader } from './frames.js';

/** One kind of messages on a link. Both sides add a topic of the same name before the first frame arrives. */
export interface Topic {
  readonly name: string;
  /**
   * Returns the messages to send now, as a value that can be cloned; undefined if there are none. Keep the value within
   * a few megabytes, and call `ready` again for the rest.
   */
  take(): unknown;
  /** Receives what `take` of the other side returned. */
  receive(batch: unknown): void;
  /** Called once when the link is lost. Nothing is sent or received any more. */
  lost?(): void;
}

/** Says that a topic has messages to send. */
export type Ready = () => void;

/** What one frame holds: the name of each topic and its messages. */
type Content = readonly (readonly [name: string, batch: unknown])[];

/**
 * Connects two processes of this program over a stream of bytes. All messages of a turn of the event loop, of all
 * topics, go into one frame: a system call and a copy for each message would cost more than the messages.
 *
 * Topics hand over their messages only when the stream can take more. What waits meanwhile stays with its topic, which
 * can bound and withdraw it.
 */
export class Link {
  readonly #stream: Duplex;
  readonly #topics = new Map<string, Topic>();
  #ready = new Set<Topic>();
  readonly #reader = new FrameReader();
  #isScheduled = false;
  #isLost = false;
  #onLost: (cause: Error | undefined) => void = () => undefined;
  /** Resolves when the link is lost, to the cause; undefined if a side has closed it. */
  readonly lost: Promise<Error | undefined>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.lost = new Promise((resolve) => {
      this.#onLost = resolve;
    });
    stream.on('data', (chunk: Buffer) => this.#read(chunk));
    stream.on('drain', () => this.#schedule());
    stream.on('error', (error) => this.#lose(error));
    stream.on('close', () => this.#lose(undefined));
    stream.on('end', () => this.#lose(undefined));
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Adds a topic. Returns the function that says when it has messages. */
  add(topic: Topic): Ready {
    this.#topics.set(topic.name, topic);
    return () => {
      if (this.#isLost) return;
      this.#ready.add(topic);
      this.#schedule();
    };
  }

  /** Sends what is ready and closes the link. Resolves once the system has accepted the bytes, or the link is lost. */
  async end(): Promise<void> {
    if (this.#isLost) return;
    await new Promise<void>((resolve) => {
      this.#stream.once('close', resolve);
      const finish = (): void => {
        // A stream that can take more never says that it has drained.
        do this.#flush();
        while (this.#ready.size > 0 && !this.#stream.writableNeedDrain);
        if (this.#ready.size > 0) this.#stream.once('drain', finish);
        else this.#stream.end(resolve);
      };
      finish();
    });
    this.#lose(undefined);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#ready.size === 0) return;
    this.#isScheduled = true;
    void turn().then(() => {
      this.#isScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    // While the other side reads nothing, messages wait in their topics.
    if (this.#isLost || this.#stream.writableNeedDrain) return;
    const topics = this.#ready;
    this.#ready = new Set();
    const content: Content = [...topics].flatMap((topic) => {
      const batch = topic.take();
      return batch === undefined ? [] : [[topic.name, batch] as const];
    });
    if (content.length === 0) return;
    try {
      const frame = serialize(content);
      this.#stream.cork();
      this.#stream.write(frameHeader(frame));
      this.#stream.write(frame);
      this.#stream.uncork();
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  #read(chunk: Buffer): void {
    if (this.#isLost) return;
    try {
      for (const frame of this.#reader.push(chunk)) {
        for (const [name, batch] of deserialize(frame) as Content) {
          const topic = this.#topics.get(name);
          if (topic === undefined) throw new TypeError(`a frame names the unknown topic ${name}`);
          topic.receive(batch);
        }
      }
    } catch (error) {
      this.#lose(error as Error);
    }
  }

  #lose(cause: Error | undefined): void {
    if (this.#isLost) return;
    this.#isLost = true;
    this.#ready.clear();
    this.#stream.destroy();
    for (const topic of this.#topics.values()) topic.lost?.();
    this.#onLost(cause);
  }
}
