import { describe, expect, it } from 'vitest';
import { optsOutOf } from '../../../src/event/integrations/opt-out.js';

describe('an event’s opt-out from a destination', () => {
  it.each([
    [{}, false],
    [{ All: true }, false],
    [{ All: null }, false],
    [{ Mixpanel: false }, false],
    [{ Amplitude: true }, false],
    [{ Amplitude: false }, true],
    [{ Amplitude: 'False' }, true],
    [{ 'Actions Amplitude': false }, true],
    [{ All: false }, true],
    [{ All: 'false' }, true],
    [{ All: false, Mixpanel: true }, true],
    [{ All: false, Amplitude: true }, false],
    [{ All: false, Amplitude: {} }, false],
    [{ All: false, Amplitude: null }, true],
    [{ All: false, 'Amplitude (Actions)': { a: 1 } }, false],
    [{ All: false, Amplitude: true, 'Actions Amplitude': false }, true],
    [{ All: false, 'Actions Amplitude': false, Amplitude: true }, true],
  ])('in %j is %s', (integrations, expected) => {
    expect(optsOutOf('Amplitude')(integrations as never)).toBe(expected);
  });

  it('holds under the other vendor’s name', () => {
    expect(optsOutOf('AWS S3')({ 'Amazon S3': false })).toBe(true);
    expect(optsOutOf('Amazon S3')({ 'AWS S3 CSV': false })).toBe(true);
    expect(optsOutOf('Google Analytics 4 (GA4)')({ 'Google Analytics 4 Web': false })).toBe(true);
  });

  it('holds for a name that only this receiver knows', () => {
    expect(optsOutOf('Our Lake')({ 'Our Lake': false })).toBe(true);
    expect(optsOutOf('Our Lake')({ 'Their Lake': false })).toBe(false);
  });
});
