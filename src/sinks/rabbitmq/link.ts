import type { ChannelModel } from 'amqplib';
import type { Connection } from '../kit/shared-connection.js';
import { openConnection, type RabbitConnection, type Server } from './connection.js';

/** A connection that is made once, on first use, and prepared before anything is published. */
export class RabbitLink implements Connection {
  readonly #server: Server;
  readonly #prepare: (model: ChannelModel) => Promise<void>;
  readonly #life = new AbortController();
  #ready: Promise<RabbitConnection> | undefined;
  #connection: RabbitConnection | undefined;

  constructor(server: Server, prepare: (model: ChannelModel) => Promise<void>) {
    this.#server = server;
    this.#prepare = prepare;
  }

  get isOver(): boolean {
    return this.#connection?.isOpen === false;
  }

  /** Resolves to the prepared connection. Rejects with a retryable SinkError. */
  ready(): Promise<RabbitConnection> {
    this.#ready ??= this.#open();
    return this.#ready;
  }

  /** Ends within a second, whatever the server does; connecting ends at once. */
  async close(): Promise<void> {
    await this.#connection?.close();
    this.cut();
  }

  cut(): void {
    this.#life.abort(new Error('the sink was closed'));
  }

  async #open(): Promise<RabbitConnection> {
    this.#connection = await openConnection(this.#server, this.#life, this.#prepare);
    return this.#connection;
  }
}
