import type { Redis } from 'ioredis';
import { SinkError } from '../sink.js';
import { redisFailure } from './failure.js';

/** One entry to append. */
export interface RedisCommand {
  readonly stream: string;
  /** The arguments of XADD after the key. */
  readonly entry: readonly string[];
  /** The key that remembers the deduplication key, in the stream's slot, and its lifetime in milliseconds. */
  readonly seen: { readonly key: string; readonly window: number } | undefined;
}

/**
 * The key is written after the entry, and a failed script has written nothing, so a rejected entry is never considered
 * a duplicate. A constant, so that the server compiles it once.
 */
const APPEND_ONCE = `if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local id = redis.call('XADD', KEYS[1], unpack(ARGV, 2))
redis.call('SET', KEYS[2], '', 'PX', ARGV[1])
return id`;

/**
 * Redis' error for the id 0-0. It is checked after everything else that could prevent writing an entry, except the
 * key's type.
 */
const REFUSED_ID = 'must be greater than 0-0';

/** Sends entries of one stream as one transaction, pipelined. */
export class RedisTransactions {
  readonly #who: string;
  readonly #ownStreams: boolean;
  /** The connections that have loaded the script, with its hash there. */
  readonly #scripts = new WeakMap<Redis, Promise<string>>();

  /** `who`: the server's name in errors. `ownStreams`: events choose the stream. */
  constructor({ who, ownStreams }: { readonly who: string; readonly ownStreams: boolean }) {
    this.#who = who;
    this.#ownStreams = ownStreams;
  }

  /**
   * Resolves to the error of each entry, undefined if it was written. If one cannot be queued, as with a full server or
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

  /**
   * Checks whether `command` would be accepted by sending it with the id 0-0, which no stream accepts. Throws a
   * SinkError.
   */
  async probe(client: Redis, command: RedisCommand): Promise<void> {
    try {
      const [error] = await this.#execute(client, [command]);
      if (error !== undefined && !error.message.includes(REFUSED_ID)) throw error;
      // If events choose the stream, there is none to check yet.
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

  /** Loaded once per connection: a server forgets scripts at a restart, which also ends the connection. */
  #script(client: Redis): Promise<string> {
    let loaded = this.#scripts.get(client);
    if (loaded === undefined) {
      loaded = client.call('SCRIPT', ['LOAD', APPEND_ONCE]).then(String);
      this.#scripts.set(client, loaded);
    }
    return loaded;
  }

  #failure(client: Redis, error: unknown): SinkError {
    // A discarded transaction reports only that; the reason is in the earlier errors of its commands.
    const previous = (error as { previousErrors?: readonly unknown[] }).previousErrors;
    const cause = previous?.[0] ?? error;
    // After SCRIPT FLUSH, for example: the next attempt loads it again. So does any other failure, which may have this
    // cause.
    if (!(cause instanceof SinkError)) this.#scripts.delete(client);
    return redisFailure(this.#who, cause, this.#ownStreams);
  }
}

/** A user that may only append need not be allowed to read. */
function unlessDenied(error: unknown): void {
  if (!String((error as Error).message).startsWith('NOPERM')) throw error;
}
