import { expect, it } from 'vitest';
import { MemoryOutbox } from '../../../src/outbox/memory/outbox.js';
import { outboxContract } from '../contract/contract.js';
import { StillClock } from '../still-clock.js';

const silent = { warn: () => undefined, error: () => undefined };

outboxContract('memory', {
  keeps: false,
  injectedClock: true,
  exactLimits: true,
  oneConsumer: true,
  newPlace: async () => '',
  create: (_place, options, deps) => new MemoryOutbox(options, deps),
});

it('says at the start that it keeps nothing', async () => {
  const warnings: string[] = [];
  const log = { ...silent, warn: (_: object, message: string) => void warnings.push(message) };
  const outbox = new MemoryOutbox(
    { dedupeWindow: 1, maxPending: 1 },
    { clock: new StillClock(), log },
  );
  await outbox.open([]);
  expect(warnings.join()).toMatch(/keeps nothing/);
});
