// Segment's SDK of the years before 2023 brings no types of its own.
declare module 'analytics-node' {
  interface Options {
    readonly host: string;
    readonly path?: string;
    readonly flushAt?: number;
    readonly flushInterval?: number;
    readonly retryCount?: number;
    readonly errorHandler?: (error: Error) => void;
  }
  class Analytics {
    constructor(writeKey: string, options: Options);
  }
  export = Analytics;
}
