import { afterAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/core/json.js';
import { toRudderstack } from '../../../src/event/to-rudderstack.js';
import { type FieldCase, fieldCases } from './cases.js';
import { type FieldOutcome, FieldReceiver } from './receiver.js';

const receivers = new Map<string, Promise<FieldReceiver>>();

/** Cases with the same configuration share a receiver. */
function receiverOf({ source, server = {} }: FieldCase): Promise<FieldReceiver> {
  const key = JSON.stringify([source, server]);
  const receiver = receivers.get(key) ?? FieldReceiver.start(source, server);
  receivers.set(key, receiver);
  return receiver;
}

afterAll(async () => {
  for (const receiver of receivers.values()) await (await receiver).stop();
});

/** What a case came to, in the words of its expectation. */
function summary(outcomes: readonly FieldOutcome[]): Record<string, unknown> {
  const events = outcomes.flatMap((outcome) => outcome.events);
  const [first] = events;
  const sum = (count: 'accepted' | 'duplicates' | 'quarantined'): number =>
    outcomes.reduce((total, outcome) => total + outcome[count], 0);
  return {
    ...first,
    status: outcomes.at(-1)?.status,
    accepted: sum('accepted'),
    duplicates: sum('duplicates'),
    quarantined: sum('quarantined'),
    messageIds: events.map(({ messageId }) => messageId),
    userIds: events.map(({ userId }) => userId),
    noUserId: events.every(({ userId }) => userId === undefined),
    unreadable: first?.receipt.unreadable,
    ip: (first?.context as JsonObject | undefined)?.['ip'] ?? null,
    toRudderstack: first && toRudderstack(first)['integrations'],
  };
}

describe('an input that failed in the field', () => {
  it.each(fieldCases().map((one) => [one.id, one] as const))('%s', async (_id, one) => {
    const receiver = await receiverOf(one);
    const outcomes: FieldOutcome[] = [];
    for (const request of one.request) outcomes.push(await receiver.send(request));
    const found = summary(outcomes);
    const { context, toRudderstack: sent, ...whole } = one.expect;
    const looked = Object.keys(whole).map((key) => [key, found[key]]);
    expect(Object.fromEntries(looked)).toEqual(whole);
    // The address of the connection may be there too, and other destinations that the name can mean.
    if (context !== undefined) expect(found['context']).toMatchObject(context);
    if (sent !== undefined) expect(found['toRudderstack']).toMatchObject(sent);
  });
});
