import { expect, it } from 'vitest';
import { encodeDelivery, goNumber } from './rudderstack-encoder.js';
import { wireCases } from './wire-cases.js';

// The encoder is what other tests trust to speak as RudderStack does, so it has to pass the vectors itself.
it.each(wireCases())('puts on the wire what RudderStack does: $name', (wireCase) => {
  expect(encodeDelivery(wireCase.event, wireCase.destinationConfig)).toEqual(wireCase.delivery);
});

it.each([
  [60, '60'],
  [4.99, '4.99'],
  [999_999.5, '999999.5'],
  [1_000_000, '1e+06'],
  [123_456_789.123, '1.23456789123e+08'],
  [1_587_542_780_337, '1.587542780337e+12'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [-0, '0'],
  [-1e21, '-1e+21'],
])('prints %d as Go does', (number, text) => {
  expect(goNumber(number)).toBe(text);
});
