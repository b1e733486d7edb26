import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FrameReader, frameHeader } from '../../../src/core/link/frames.js';

it('reads the same frames however the bytes are divided into chunks', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 300 })),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (frames, sizes) => {
        const bytes = Buffer.concat(frames.flatMap((frame) => [frameHeader(frame), frame]));
        const reader = new FrameReader();
        const read: Buffer[] = [];
        for (let from = 0; from < bytes.length; ) {
          const size = sizes.next().value ?? 1;
          read.push(...reader.push(bytes.subarray(from, from + size)));
          from += size;
        }
        expect(read.map((frame) => [...frame])).toEqual(frames.map((frame) => [...frame]));
      },
    ),
  );
});

it('reads all frames of one chunk', () => {
  const frames = ['a', '', 'bcd'].map((text) => Buffer.from(text));
  const bytes = Buffer.concat(frames.flatMap((frame) => [frameHeader(frame), frame]));
  expect(new FrameReader().push(bytes).map(String)).toEqual(['a', '', 'bcd']);
});

it('rejects a frame that is longer than the largest, before it arrives', () => {
  const reader = new FrameReader(3);
  expect(() => reader.push(frameHeader(Buffer.from('abcd')))).toThrow(/longer than 3/);
});
