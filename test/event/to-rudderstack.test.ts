import { describe, expect, it } from 'vitest';
import { toRudderstack } from '../../src/event/to-rudderstack.js';
import { canonical } from './dialects.js';

describe('a canonical event as RudderStack takes it', () => {
  it('passes both timestamps and sentAt, and what it requires beside them', () => {
    const event = canonical({
      type: 'group',
      messageId: 'm 1',
      userId: 'u-1',
      groupId: 'g-1',
      traits: { name: 'Initech' },
      timestamp: '2026-01-02T03:04:05Z',
      originalTimestamp: '2026-01-02T04:04:05+01:00',
      sentAt: '2026-01-02T04:04:06+01:00',
      receivedAt: '2026-01-02T03:04:06Z',
      context: { ip: '1.2.3.4' },
    });
    expect(toRudderstack(event)).toEqual({
      type: 'group',
      messageId: 'm 1',
      userId: 'u-1',
      groupId: 'g-1',
      traits: { name: 'Initech' },
      timestamp: '2026-01-02T03:04:05.000Z',
      originalTimestamp: '2026-01-02T04:04:05+01:00',
      sentAt: '2026-01-02T04:04:06+01:00',
      receivedAt: '2026-01-02T03:04:06Z',
      channel: 'server',
      request_ip: '1.2.3.4',
      context: { ip: '1.2.3.4' },
      integrations: {},
    });
  });

  it('makes the timestamp the original one where there is none', () => {
    const event = canonical({ type: 'page', messageId: 'm', timestamp: '2026-01-02T03:04:05Z' });
    expect(toRudderstack(event)['originalTimestamp']).toBe('2026-01-02T03:04:05.000Z');
  });

  it('copies an identify’s traits into the context, unless there are some', () => {
    const identify = { type: 'identify', messageId: 'm', traits: { a: 1 } };
    expect(toRudderstack(canonical(identify))).toMatchObject({
      traits: { a: 1 },
      context: { traits: { a: 1 } },
    });
    const both = { ...identify, context: { traits: { b: 2 } } };
    expect(toRudderstack(canonical(both))).toMatchObject({
      traits: { a: 1 },
      context: { traits: { b: 2 } },
    });
    const group = { type: 'group', messageId: 'm', traits: { a: 1 } };
    expect(toRudderstack(canonical(group))['context']).toEqual({});
  });

  it.each([
    [{ request_ip: '5.6.7.8', context: { ip: '1.2.3.4' } }, '5.6.7.8'],
    [{ context: { ip: '1.2.3.4' } }, '1.2.3.4'],
    [{ request_ip: null, context: { ip: '1.2.3.4' } }, '1.2.3.4'],
    [{ request_ip: 7, context: {} }, ''],
    [{ context: { ip: '' } }, ''],
    [{}, ''],
  ])('gives %j the request_ip %j, so that RudderStack does not take the bridge’s', (own, ip) => {
    for (const vendor of ['segment', 'rudderstack'] as const) {
      const event = canonical({ type: 'page', messageId: 'm', ...own }, { vendor });
      expect(toRudderstack(event)['request_ip']).toBe(ip);
    }
  });

  it.each([
    ['client', 'web'],
    ['browser', 'web'],
    ['mobile', 'mobile'],
    [null, 'server'],
  ])('calls the channel %s %s', (channel, expected) => {
    const event = canonical({ type: 'page', messageId: 'm', channel });
    expect(toRudderstack(event)['channel']).toBe(expected);
  });

  it.each([
    ['analytics.js', undefined, 'web'],
    ['analytics-ios', undefined, 'mobile'],
    ['analytics-android', '', 'mobile'],
    ['analytics-swift', null, 'mobile'],
    ['analytics-kotlin', undefined, 'mobile'],
    ['analytics-react-native', undefined, 'mobile'],
    ['@segment/analytics-react-native', undefined, 'mobile'],
    ['analytics-flutter', undefined, 'mobile'],
    ['@segment/analytics-node', undefined, 'server'],
    ['analytics.js', 'server', 'server'],
  ])('takes the channel from the library %s where it is %j', (name, channel, expected) => {
    const context = { library: { name } };
    const own = channel === undefined ? {} : { channel };
    const event = canonical({ type: 'page', messageId: 'm', context, ...own });
    expect(toRudderstack(event)['channel']).toBe(expected);
  });

  it('moves what is Segment’s alone under context.segment', () => {
    const own = {
      projectId: 'p',
      version: 2,
      _metadata: { bundled: [] },
      forwardedFromProject: 'q',
    };
    const message = toRudderstack(canonical({ type: 'page', messageId: 'm', ...own }));
    expect(message['context']).toEqual({ segment: own });
    for (const field of Object.keys(own)) expect(message).not.toHaveProperty(field);
  });

  it('drops that where a sender has a text of its own there', () => {
    const event = { type: 'page', messageId: 'm', projectId: 'p', context: { segment: 'vip' } };
    const message = toRudderstack(canonical(event));
    expect(message['context']).toEqual({ segment: 'vip' });
    expect(message).not.toHaveProperty('projectId');
  });

  it('sends only filters whose destination RudderStack knows under some name, and keeps all of them as they were', () => {
    const integrations = { 'Segment.io': true, All: false, 'Customer.io': { a: 1 }, Own: true };
    const message = toRudderstack(canonical({ type: 'page', messageId: 'm', integrations }));
    expect(message['integrations']).toEqual({ All: false, 'Customer IO': { a: 1 } });
    expect(message['context']).toEqual({ segment: { integrations } });
  });

  it('names the integrations that RudderStack has no destination for', () => {
    const names: string[] = [];
    const integrations = { All: true, 'Actions Amplitude': false, Own: false, Other: true };
    const event = canonical({ type: 'page', messageId: 'm', integrations });
    const message = toRudderstack(event, (name) => names.push(name));
    expect(message['integrations']).toEqual({ All: true, Amplitude: false, Own: false });
    expect(names).toEqual(['Own', 'Other']);
  });

  it('leaves RudderStack’s own events as they were', () => {
    const sent = {
      type: 'record',
      messageId: 'm',
      action: 'insert',
      fields: { a: 1 },
      channel: 'sources',
      version: 3,
      _metadata: { nodeVersion: '20' },
      rudderId: 'r',
      request_ip: '1.2.3.4:5678',
      context: { ip: '1.2.3.4' },
      integrations: { Own: true },
      timestamp: '2026-01-02T03:04:05.000Z',
      originalTimestamp: '2026-01-02T03:04:05.000Z',
      sentAt: '2026-01-02T03:04:05.000Z',
      receivedAt: '2026-01-02T03:04:05.000Z',
    };
    expect(toRudderstack(canonical(sent, { vendor: 'rudderstack' }))).toEqual(sent);
  });

  it('adds externalId for externalIds', () => {
    const externalIds = [{ id: '1', type: 'email', collection: 'users', encoding: 'none' }];
    const event = canonical({ type: 'page', messageId: 'm', context: { externalIds } });
    expect(toRudderstack(event)['context']).toEqual({ externalIds, externalId: externalIds });
  });
});
