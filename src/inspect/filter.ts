import type { DeliverySummary } from './record.js';

/** Which deliveries are asked for; each that is given must fit. */
export interface DeliveryFilter {
  readonly source?: string;
  /** An outcome, or `refused` for whatever was not answered 200. */
  readonly outcome?: string;
  /** Of the first event. */
  readonly type?: string;
  /** In path, event, user, messageId, id, code or detail, whatever its case. */
  readonly text?: string;
}

/** A test of summaries: it looks at nothing that is not shown, so that no search finds what is hidden. */
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

function textsOf({ code = '', detail = '', first = {}, id, path }: DeliverySummary): string[] {
  const { event = '', messageId = '', user = '' } = first;
  return [path, event, user, messageId, id, code, detail].map((each) => each.toLowerCase());
}
