import { expect, it } from 'vitest';
import { FailureLog } from '../../../src/outbox/sqlite/failure-log.js';
import { StillClock } from '../still-clock.js';

function failureLog() {
  const lines: string[] = [];
  const clock = new StillClock();
  const say = (_: object, message: string): void => void lines.push(message);
  return { lines, clock, failures: new FailureLog({ clock, log: { warn: say, error: say } }) };
}

const FULL = 'The outbox could not write: full';
const AGAIN = 'The outbox can write again';

it('says once a minute that the same failure lasts, and once that it is over', () => {
  const { lines, clock, failures } = failureLog();
  for (let at = 0; at < 100; at += 1) failures.failed(new Error('full'));
  expect(lines).toEqual([FULL]);
  clock.move(59_999);
  failures.failed(new Error('full'));
  expect(lines).toEqual([FULL]);
  clock.move(1);
  failures.failed(new Error('full'));
  expect(lines).toEqual([FULL, FULL]);
  failures.succeeded();
  failures.succeeded();
  expect(lines).toEqual([FULL, FULL, AGAIN]);
});

it('says another failure at once, but no more than one a second', () => {
  const { lines, clock, failures } = failureLog();
  failures.failed(new Error('full'));
  clock.move(1_000);
  failures.failed(new Error('gone'));
  failures.failed(new Error('full'));
  failures.failed(new Error('gone'));
  expect(lines).toEqual([FULL, 'The outbox could not write: gone']);
});

it('says nothing for each write of a disk that takes one now and then', () => {
  const { lines, clock, failures } = failureLog();
  for (let at = 0; at < 100; at += 1) {
    failures.failed(new Error('full'));
    failures.succeeded();
    clock.move(10);
  }
  expect(lines).toEqual([FULL, AGAIN]);
});
