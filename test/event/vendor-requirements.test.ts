import { describe, expect, it } from 'vitest';
import { missingForRudderstack, missingForSegment } from '../../src/event/vendor-requirements.js';
import { canonical } from './dialects.js';

const of = (fields: object) =>
  canonical(JSON.parse(JSON.stringify({ messageId: 'm', ...fields })), {
    extraTypes: ['merge', 'own'],
  });

describe('what Segment would drop unseen', () => {
  it.each([
    [{ type: 'track', event: 'E' }, 'Segment requires a userId or an anonymousId'],
    [{ type: 'track', event: 'E', userId: ' ' }, 'Segment requires a userId or an anonymousId'],
    [{ type: 'track', userId: 'u' }, "Segment requires a track's event name"],
    [{ type: 'track', userId: 'u', event: ' ' }, "Segment requires a track's event name"],
    [{ type: 'group', userId: 'u' }, "Segment requires a group's groupId"],
    [{ type: 'alias', userId: 'u' }, "Segment requires an alias's previousId"],
    [{ type: 'delete', userId: 'u' }, "Segment's tracking API does not accept delete"],
    [{ type: 'record', userId: 'u' }, 'Segment does not accept events of type record'],
    [{ type: 'own', userId: 'u' }, 'Segment does not accept events of type own'],
  ])('%j', (fields, reason) => {
    expect(missingForSegment(of(fields))).toContain(reason);
  });

  it.each([
    { type: 'track', event: 'E', anonymousId: 'a' },
    { type: 'identify', userId: 'u' },
    { type: 'page', userId: 'u' },
    { type: 'screen', anonymousId: 'a' },
    { type: 'group', userId: 'u', groupId: 'g' },
    { type: 'alias', userId: 'u', previousId: 'p' },
  ])('not %j', (fields) => {
    expect(missingForSegment(of(fields))).toBeUndefined();
  });
});

describe('what RudderStack would refuse', () => {
  it.each([
    [{ type: 'track', event: 'E' }, 'RudderStack requires a userId or an anonymousId'],
    [{ type: 'page', userId: '\u200b' }, 'RudderStack requires a userId or an anonymousId'],
    [{ type: 'own', userId: 'u' }, 'RudderStack does not accept events of type own'],
  ])('%j', (fields, reason) => {
    expect(missingForRudderstack(of(fields))).toContain(reason);
  });

  it.each([
    { type: 'track', anonymousId: 'a' },
    { type: 'group', userId: 'u' },
    { type: 'merge', userId: 'u' },
    { type: 'record' },
  ])('not %j', (fields) => {
    expect(missingForRudderstack(of(fields))).toBeUndefined();
  });
});
