import type { Redis } from 'ioredis';
import { redisFailure } from './redis-failure.js';
import { SinkError } from './sink.js';

/** One entry on its way. */
export interface RedisCommand {
  readonly stream: string;
  /** What XADD takes after the key. */
  readonly entry: readonly string[];
  /** The key that remembers the messageId, in the stream's slot, and for how many milliseconds. */
  readonly seen: { readonly key: string; readonly window: number } | undefined;
}

/**
 * The key is written after the entry, and a script that has failed has written nothing: an entry that was refused is not
 * taken for one that is there. A constant, so that the server compiles it once.
 */
const APPEND_ONCE = `if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local id = redis.call('XADD', KEYS[1], unpack(ARGV, 2))
redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
return id`;

/** What Redis answers to the id 0-0, after all that could keep an entry from being written but the type of the key. */
const REFUSED_ID = 'must be greater than 0-0';

/** Sends entries of one stream as one transaction, pipelined. */
export class RedisTransactions {
  readonly #who: string;
  readonly #ownStreams: boolean;
  /** The connections that know the script, by the hash that it has there. */
  readonly #scripts = new WeakMap<Redis, Promise<string>>();

  /** `who`: what errors call the server. `ownStreams`: events choose the stream. */
  constructor({ who, ownStreams }: { readonly who: string; readonly ownStreams: boolean }) {
    this.#who = who;
    this.#ownStreams = ownStreams;
  }

  /**
   * Resolves to what went wrong with each, undefined where nothing did. Where one cannot be queued, as with a full server or
   * a missing right, Redis discards all of them, so that none overtakes another.
   */
  async send(
    client: Redis,
    commands: readonly RedisCommand[],
  ): Promise<readonly (SinkError | undefined)[]> {
    try {
      return (await this.#execute(client, commands)).map((error) =>
        error === undefined ? undefined : this.#failure(client, error),
      );
    } catch (error) {
      const failure = this.#failure(client, error);
      return commands.map(() => failure);
    }
  }

  /** Looks whether `command` would be taken, by sending it with the id 0-0, which no stream takes. Throws a SinkError. */
  async probe(client: Redis, command: RedisCommand): Promise<void> {
    try {
      const [error] = await this.#execute(client, [command]);
      if (error !== undefined && !error.message.includes(REFUSED_ID)) throw error;
      // Where events choose the stream there is none yet to look at.
      if (!this.#ownStreams) await client.call('XLEN', [command.stream]).catch(unlessDenied);
    } catch (error) {
      throw this.#failure(client, error);
    }
  }

  async #execute(
    client: Redis,
    commands: readonly RedisCommand[],
  ): Promise<readonly (Error | undefined)[]> {
    const once = commands.some(({ seen }) => seen !== undefined);
    const script = once ? await this.#script(client) : '';
    const transaction = client.multi();
    for (const { stream, entry, seen } of commands) {
      if (seen === undefined) transaction.xadd(stream, ...(entry as [string, ...string[]]));
      else {
        const keys = ['2', stream, seen.key];
        transaction.call('EVALSHA', [script, ...keys, String(seen.window), ...entry]);
      }
    }
    const replies = await transaction.exec();
    return commands.map((_, index) => replies?.[index]?.[0] ?? undefined);
  }

  /** Loaded once a connection: after a restart, which the server forgets scripts by, there is another one. */
  #script(client: Redis): Promise<string> {
    let loaded = this.#scripts.get(client);
    if (loaded === undefined) {
      loaded = client.call('SCRIPT', ['LOAD', APPEND_ONCE]).then(String);
      this.#scripts.set(client, loaded);
    }
    return loaded;
  }

  #failure(client: Redis, error: unknown): SinkError {
    // A transaction that was discarded says so; why, its commands have said before.
    const previous = (error as { previousErrors?: readonly unknown[] }).previousErrors;
    const cause = previous?.[0] ?? error;
    // By SCRIPT FLUSH, say: loaded again by the next attempt. Also after any other failure, which it may be.
    if (!(cause instanceof SinkError)) this.#scripts.delete(client);
    return redisFailure(this.#who, cause, this.#ownStreams);
  }
}

/** A user that may only append need not be able to look. */
function unlessDenied(error: unknown): void {
  if (!String((error as Error).message).startsWith('NOPERM')) throw error;
}
