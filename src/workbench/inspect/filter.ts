import type { DeliverySummary } from './record.js';

/** The requested deliveries; every given filter must match. */
export interface DeliveryFilter {
  readonly source?: string;
  /** An outcome, or `refused` for every status except 200. */
  readonly outcome?: string;
  /** The first event's type. */
  readonly type?: string;
  /** Found in path, member, event, user, messageId, id, code or detail, ignoring case. */
  readonly text?: string;
}

/** Compiles a predicate on summaries. It examines only what is shown, so that no search reveals hidden values. */
export function compileFilter(filter: DeliveryFilter): (summary: DeliverySummary) => boolean {
  const { outcome, source, type } = filter;
  const text = filter.text?.toLowerCase();
  return (summary) => {
    if (source !== undefined && summary.source !== source) return false;
    if (type !== undefined && summary.first?.type !== type) return false;
    if (outcome === 'refused' ? summary.status === 200 : outcome && summary.outcome !== outcome) {
      return false;
    }
    return text === undefined || textsOf(summary).some((each) => each.includes(text));
  };
}

function textsOf({
  code = '',
  detail = '',
  first = {},
  id,
  member = '',
  path,
}: DeliverySummary): string[] {
  const { event = '', messageId = '', user = '' } = first;
  return [path, member, event, user, messageId, id, code, detail].map((each) => each.toLowerCase());
}
