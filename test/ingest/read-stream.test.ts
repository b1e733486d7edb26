import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { describe, expect, it, vi } from 'vitest';
import { readStream } from '../../src/ingest/read-stream.js';

describe('collecting a stream', () => {
  it('that comes whole makes no error, also when the stream closes after it', async () => {
    const stream = new PassThrough();
    const error = vi.fn(() => new Error('not made'));
    const bytes = readStream(stream, {
      limit: 10,
      signal: new AbortController().signal,
      account: () => undefined,
      tooLarge: error,
      late: error,
      failed: error,
    });
    stream.end('whole');
    expect(String(await bytes)).toBe('whole');
    stream.destroy();
    if (!stream.closed) await once(stream, 'close');
    expect(error).not.toHaveBeenCalled();
  });
});
