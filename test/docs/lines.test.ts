import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import { deliveryLine } from '../../src/commands/tail/line.js';
import { summaryOf } from '../support/fake-admin.js';
import { page } from '../support/manual.js';
import { fencesOf } from '../support/markdown.js';

describe('the manual on what is shown', () => {
  it('prints lines as the program does', () => {
    const lines = fencesOf(page('inspector.md'))
      .filter(({ language }) => language === 'text')
      .flatMap(({ text }) => text.trim().split('\n'));
    const { first, verifiedBy, ...unread } = summaryOf('m', {
      at: '2026-01-02T07:21:52.803Z',
      source: 'rudderstack',
      ...{ status: 401, outcome: 'unauthenticated', verified: false, accepted: 0, count: 0 },
      ...{ path: '/rudderstack', reason: 'no x-signature header', ms: 1 },
    });
    const shop = { type: 'track', event: 'Order Completed', user: 'user-1' };
    const accepted = summaryOf('m', { at: '2026-01-02T07:21:40.119Z', first: shop, ms: 4 });
    const plain = pc.createColors(false);
    expect(lines).toEqual([accepted, unread].map((each) => deliveryLine(each, plain, 11)));
  });
});
