import { describe, expect, it } from 'vitest';
import { compileWhere } from '../../src/dispatch/where.js';
import { anEvent } from './fakes.js';

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
