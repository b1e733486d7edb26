/** A kind of sink with its far side, where delivered events are counted. */
export interface Kind {
  readonly name: string;
  open(): Promise<OpenKind>;
}

interface OpenKind {
  /** The receiver's configuration of its sinks. */
  readonly sinks: object;
  /** The number of events that have arrived; `directory` is the receiver's. */
  count(directory: string): Promise<number>;
  close(): Promise<void>;
}
