import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Delays } from './delays.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('tells what share of the events arrived within how long after their answer', () => {
  const delays = new Delays();
  const ids = Array.from({ length: 100 }, (_, at) => `m${at}`);
  delays.acknowledged(ids);
  vi.advanceTimersByTime(10);
  delays.arrived(ids.slice(0, 98));
  vi.advanceTimersByTime(490);
  delays.arrived(ids.slice(98));
  expect([delays.at(0.5), delays.at(0.97), delays.at(0.99)]).toEqual([10, 10, 500]);
});

it('counts what arrived before its sender had the answer as no delay', () => {
  const delays = new Delays();
  delays.arrived(['a']);
  vi.advanceTimersByTime(50);
  delays.acknowledged(['a']);
  expect(delays.at(0.99)).toBe(0);
});

it('does not pass where nothing arrived', () => {
  expect(new Delays().at(0.99)).toBeNaN();
});
