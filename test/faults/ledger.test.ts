import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.js';

/** A ledger over two sinks, in which u's events 1 to 3 were sent and answered 200. */
function accepted(): Ledger {
  const ledger = new Ledger(['file', 'hook']);
  for (const id of ['u1', 'u2', 'u3']) {
    ledger.sending(id, 'u');
    ledger.answered([id], 200, 5);
  }
  return ledger;
}
function arrive(ledger: Ledger, sink: string, ...ids: string[]): void {
  for (const id of ids) ledger.arrived(sink, id);
}

describe('the ledger of the fault matrix', () => {
  it('finds nothing where every event reached every sink once and in order', () => {
    const ledger = accepted();
    arrive(ledger, 'file', 'u1', 'u2', 'u3');
    expect(ledger.isComplete()).toBe(false);
    arrive(ledger, 'hook', 'u1', 'u2', 'u3');
    expect(ledger.isComplete()).toBe(true);
    expect(ledger.outcome(['a note'])).toEqual({
      sent: 3,
      answered200: 3,
      delivered: 3,
      lost: 0,
      duplicated: 0,
      longestAnswerMs: 5,
      problems: [],
      notes: ['a note'],
    });
  });

  it('counts as lost what one sink never got', () => {
    const ledger = accepted();
    arrive(ledger, 'file', 'u1', 'u2', 'u3');
    arrive(ledger, 'hook', 'u1', 'u3');
    expect(ledger.outcome()).toMatchObject({
      delivered: 2,
      lost: 1,
      problems: ['answered 200 and lost: u2'],
    });
  });

  it('counts a dead letter of a sink neither as lost nor as delivered', () => {
    const ledger = accepted();
    arrive(ledger, 'file', 'u1', 'u2', 'u3');
    arrive(ledger, 'hook', 'u1', 'u3');
    ledger.deadLetter('hook', 'u2');
    expect(ledger.isComplete()).toBe(true);
    expect(ledger.outcome()).toMatchObject({ delivered: 2, lost: 0, problems: [] });
  });

  it('counts as lost what only another sink has as a dead letter', () => {
    const ledger = accepted();
    arrive(ledger, 'file', 'u1', 'u2', 'u3');
    arrive(ledger, 'hook', 'u1', 'u3');
    ledger.deadLetter('file', 'u2');
    expect(ledger.outcome()).toMatchObject({ lost: 1 });
  });

  it('does not count as lost what was never answered 200, though it may arrive', () => {
    const ledger = accepted();
    ledger.sending('u4', 'u');
    ledger.sending('u5', 'u');
    ledger.answered(['u5'], 503, 9);
    for (const sink of ['file', 'hook']) arrive(ledger, sink, 'u1', 'u2', 'u3', 'u5');
    expect(ledger.outcome()).toMatchObject({
      sent: 5,
      answered200: 3,
      delivered: 4,
      lost: 0,
      longestAnswerMs: 9,
      problems: [],
    });
    expect(ledger.refused(503)).toBe(1);
  });

  it('counts an event that is sent and answered again once', () => {
    const ledger = accepted();
    ledger.sending('u1', 'u');
    ledger.answered(['u1', 'u2'], 200, 1);
    expect(ledger.acknowledged).toBe(3);
    expect(ledger.sent).toBe(3);
    expect([ledger.isAcknowledged('u1'), ledger.isAcknowledged('u9')]).toEqual([true, false]);
  });

  it('counts second and further arrivals at a sink, and takes the order of the first', () => {
    const ledger = accepted();
    arrive(ledger, 'file', 'u1', 'u2', 'u1', 'u2', 'u1', 'u3');
    arrive(ledger, 'hook', 'u1', 'u2', 'u3', 'u3');
    expect(ledger.outcome()).toMatchObject({ delivered: 3, duplicated: 4, problems: [] });
  });

  it('finds an event that overtook an older one of its user, and none of another user', () => {
    const ledger = accepted();
    ledger.sending('v1', 'v');
    arrive(ledger, 'file', 'u1', 'u2', 'u3', 'v1');
    arrive(ledger, 'hook', 'v1', 'u1', 'u3', 'u2');
    expect(ledger.outcome().problems).toEqual([
      'arrived after a younger one of the same user: hook: u2',
    ]);
  });

  it('asks no order of events without a user', () => {
    const ledger = new Ledger(['file']);
    for (const id of ['a', 'b']) ledger.sending(id);
    ledger.answered(['a', 'b'], 200, 1);
    arrive(ledger, 'file', 'b', 'a');
    expect(ledger.outcome().problems).toEqual([]);
  });

  it('finds what nobody sent', () => {
    const ledger = accepted();
    for (const sink of ['file', 'hook']) arrive(ledger, sink, 'u1', 'u2', 'u3', 'x');
    expect(ledger.outcome()).toMatchObject({
      delivered: 3,
      problems: ['delivered and never sent: x'],
    });
  });

  it('finds answers that make a vendor drop an event, late ones, and a row that showed nothing', () => {
    const ledger = new Ledger([]);
    ledger.sending('a');
    for (const status of [400, 503, 408, 429]) ledger.answered(['a'], status, 5_001);
    expect(ledger.outcome().problems).toEqual([
      'nothing was answered 200, so nothing was shown',
      '1 deliveries were answered 400',
      'an answer took 5001 ms',
    ]);
  });

  it('keeps what a row itself found', () => {
    const ledger = new Ledger([]);
    ledger.sending('a');
    ledger.answered(['a'], 200, 1);
    ledger.expect(true, 'not this');
    ledger.expect(false, 'but this');
    expect(ledger.outcome().problems).toEqual(['but this']);
  });
});
