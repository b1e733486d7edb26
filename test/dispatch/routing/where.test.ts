import { describe, expect, it } from 'vitest';
import type { WhereConfig } from '../../../src/config/config.js';
import { placeOf } from '../../../src/dispatch/routing/share.js';
import { compileWhere } from '../../../src/dispatch/routing/where.js';
import { anEvent } from '../fakes.js';

const order = anEvent('m1');

describe('compileWhere', () => {
  it('is nothing where there is no filter', () => {
    expect(compileWhere({})).toBeUndefined();
  });

  it.each([
    [{ sources: ['segment'] }, true],
    [{ sources: ['rudderstack'] }, false],
    [{ sources: [] }, false],
    [{ types: ['identify', 'track'] }, true],
    [{ types: ['identify'] }, false],
    [{ events: ['Nothing', 'Order *'] }, true],
    [{ events: ['Order'] }, false],
    [{ authenticated: true }, true],
    [{ authenticated: false }, false],
    [{ sources: ['segment'], types: ['track'], events: ['Order ?ompleted'] }, true],
    [{ sources: ['segment'], types: ['page'], events: ['Order *'] }, false],
  ])('%j on a track of segment is %s', (where, expected) => {
    expect(compileWhere(where)?.(order)).toBe(expected);
  });

  it('lets nothing without an event name pass an events filter', () => {
    const { event: _, ...rest } = order;
    const page = { ...rest, type: 'page', name: 'Order Completed', receipt: order.receipt };
    expect(compileWhere({ events: ['*'] })?.(page)).toBe(false);
  });

  it('tells events that nothing authenticates apart', () => {
    const loose = { ...order, receipt: { ...order.receipt, authenticated: false } };
    expect(compileWhere({ authenticated: true })?.(loose)).toBe(false);
    expect(compileWhere({ authenticated: false })?.(loose)).toBe(true);
  });
});

describe('where.integration', () => {
  const wanted = compileWhere({ integration: 'Amplitude' });

  it.each([
    [{}, true],
    [{ Mixpanel: false }, true],
    [{ Amplitude: false }, false],
    [{ 'Actions Amplitude': false }, false],
    [{ All: false }, false],
    [{ All: false, Amplitude: true }, true],
  ])('with %j passes: %s', (integrations, expected) => {
    expect(wanted?.(anEvent('m', { integrations }))).toBe(expected);
  });

  it('passes an event whose integrations are no object: it forbids nothing', () => {
    expect(wanted?.(anEvent('m', { integrations: null as never }))).toBe(true);
  });
});

describe('a share of the users', () => {
  const users = Array.from({ length: 2_000 }, (_, at) =>
    anEvent(`m${at}`, { userId: `user-${at}`, anonymousId: `device-${at % 7}` }),
  );
  const inShare = (where: WhereConfig): Set<string> => {
    const wanted = compileWhere(where);
    return new Set(users.filter((event) => wanted?.(event)).map(({ messageId }) => messageId));
  };

  it('has about as many of them as it says, and with a larger share they stay in it', () => {
    const [tenth, quarter] = [inShare({ percent: 10 }), inShare({ percent: 25 })];
    expect(tenth.size / users.length).toBeCloseTo(0.1, 1);
    expect(quarter.size / users.length).toBeCloseTo(0.25, 1);
    expect([...tenth].filter((id) => !quarter.has(id))).toEqual([]);
    expect([inShare({ percent: 0 }).size, inShare({ percent: 100 }).size]).toEqual([0, 2_000]);
  });

  it('and the share from there on make all of them, and nobody is in both', () => {
    const [one, other] = [inShare({ percent: 25 }), inShare({ percentFrom: 25 })];
    expect(one.size + other.size).toBe(users.length);
    expect([...one].filter((id) => other.has(id))).toEqual([]);
  });

  it('goes by the id that it says, else by the next best', () => {
    const device = inShare({ percent: 50, by: 'anonymousId' });
    const devices = new Set([...device].map((id) => Number(id.slice(1)) % 7));
    expect(device.size).toBe(users.filter((_, at) => devices.has(at % 7)).length);
    const wanted = compileWhere({ percent: 50, by: 'groupId' });
    const byUser = compileWhere({ percent: 50 });
    expect(users.map((event) => wanted?.(event))).toEqual(users.map((event) => byUser?.(event)));
  });

  it('is the same on every machine and in every version', () => {
    const place = (userId: string) => placeOf(anEvent('m', { userId }), 'userId');
    expect([place('u1'), place('user-42')].map((each) => each.toFixed(3))).toEqual([
      '73.245',
      '42.788',
    ]);
  });
});
