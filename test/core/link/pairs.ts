import { Duplex } from 'node:stream';

/** Returns how many of `available` bytes the next chunk holds: at least 1. */
export type Cut = (available: number) => number;

/**
 * Two ends of a stream of bytes. What one end writes arrives at the other in chunks of the sizes that `cut` returns.
 * From `highWaterMark` bytes on, a writer is asked to wait. The default of Node differs between its versions.
 */
export function streamPair(
  cut: Cut = (available) => available,
  highWaterMark = 16_384,
): readonly [Duplex, Duplex] {
  const ends: Duplex[] = [];
  const end = (other: () => Duplex | undefined): Duplex =>
    new Duplex({
      writableHighWaterMark: highWaterMark,
      read() {},
      write(chunk: Buffer, _encoding, done) {
        for (let from = 0; from < chunk.length; ) {
          const size = Math.max(1, cut(chunk.length - from));
          other()?.push(chunk.subarray(from, from + size));
          from += size;
        }
        setImmediate(done);
      },
      final(done) {
        other()?.push(null);
        done();
      },
      destroy(error, done) {
        const peer = other();
        if (peer !== undefined && !peer.destroyed) setImmediate(() => peer.destroy());
        done(error);
      },
    });
  ends.push(
    end(() => ends[1]),
    end(() => ends[0]),
  );
  return [ends[0] as Duplex, ends[1] as Duplex];
}
