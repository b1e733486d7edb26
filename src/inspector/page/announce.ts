import { countOf } from './format.js';
import { verdictOf } from './verdict.js';
import type { DeliverySummary } from './wire.js';

/** What a screen reader says of deliveries that have come in since it last spoke. */
export function announcementOf(news: readonly DeliverySummary[]): string {
  const refused = news.filter(({ status }) => status < 200 || status > 299).length;
  const [latest] = news;
  if (latest === undefined) return '';
  if (news.length === 1) {
    const what = latest.first?.event ?? latest.first?.type ?? latest.method;
    return `New delivery from ${latest.source}: ${what}, ${verdictOf(latest).label}.`;
  }
  const worse = refused === 0 ? '' : `, ${refused} of them refused`;
  return `${countOf(news.length, 'new delivery', 'new deliveries')}${worse}.`;
}
