import { expect, it } from 'vitest';
import { LineBuffer } from '../../../src/sinks/file/line-buffer.js';

it.each([
  ['no lines', []],
  ['an empty line', ['']],
  ['lines of any characters', ['{"a":1}', 'Zoë 😀 \u2028', 'unpaired \ud800']],
  ['more than it keeps', ['x'.repeat(512 * 1024), 'ü'.repeat(300_000)]],
])('encodes %s', (_, lines) => {
  const expected = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const buffer = new LineBuffer();
  expect(buffer.encode(lines).equals(expected)).toBe(true);
  expect(buffer.encode(lines).equals(expected)).toBe(true);
});

it('uses the same memory for every write of up to 512 kB', () => {
  const buffer = new LineBuffer();
  const first = buffer.encode(['x'.repeat(512 * 1024 - 1)]);
  const second = buffer.encode(['y']);
  expect(second.buffer).toBe(first.buffer);
  expect(second.toString()).toBe('y\n');
  expect(buffer.encode(['x'.repeat(512 * 1024)]).buffer).not.toBe(first.buffer);
});
