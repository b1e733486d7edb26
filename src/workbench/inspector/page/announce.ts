import type { DeliverySummary } from './data/wire.js';
import { deliveryBadge } from './parts/badges.js';
import { countOf } from './parts/format.js';

/** Returns what a screen reader announces about new deliveries. */
export function announcementOf(news: readonly DeliverySummary[]): string {
  const refused = news.filter(({ status }) => status < 200 || status > 299).length;
  const [latest] = news;
  if (latest === undefined) return '';
  if (news.length === 1) {
    const what = latest.first?.event ?? latest.first?.type ?? latest.method;
    return `New delivery from ${latest.source}: ${what}, ${deliveryBadge(latest).label}.`;
  }
  const worse = refused === 0 ? '' : `, ${refused} of them refused`;
  return `${countOf(news.length, 'new delivery', 'new deliveries')}${worse}.`;
}
