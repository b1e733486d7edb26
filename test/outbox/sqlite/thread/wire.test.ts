import { expect, it } from 'vitest';
import type { Step } from '../../../../src/outbox/sqlite/thread/messages.js';
import {
  packResults,
  packSteps,
  unpackResults,
  unpackSteps,
} from '../../../../src/outbox/sqlite/thread/wire.js';
import { newEvent, newEvents, newQuarantined } from '../../samples.js';

const { messageId: _, ...generated } = newEvent('x', { scope: 'other', authenticated: false });

const steps: readonly Step[] = [
  { kind: 'append', events: [newEvent('a', { orderKey: 'u:\0' })], quarantined: [] },
  { kind: 'probe' },
  { kind: 'append', events: [], quarantined: [] },
  { kind: 'append', events: [newEvent('b')], quarantined: [newQuarantined()] },
  { kind: 'append', events: [generated, ...newEvents(3)], quarantined: [] },
  { kind: 'append', events: [newEvent('c')], quarantined: [] },
  { kind: 'accept', id: 7, event: newEvent('d') },
  { kind: 'append', events: [newEvent('e')], quarantined: [] },
  { kind: 'settle', sink: 'archive', settlements: [] },
  { kind: 'replay', ids: [1] },
];

const results = [
  { positions: [7] },
  ['archive'],
  { positions: [] },
  { positions: [8] },
  { positions: [9, null, 10, 11] },
  { positions: [null] },
  { positions: [12] },
  { refused: 'full' as const, sinks: ['archive'] },
  null,
  3,
];

it('brings every step to the other thread as it was, with an event that has no messageId', () => {
  expect(unpackSteps(structuredClone(packSteps(steps)))).toEqual(steps);
});

it('brings every result back as it was', () => {
  const packed = structuredClone(packResults(steps, results));
  expect(unpackResults(steps, packed)).toStrictEqual(results);
});
