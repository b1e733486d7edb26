import { messageOf } from '../../data/api.js';
import type { Inspector } from '../../data/inspector.js';
import type { DeliveryRecord } from '../../data/wire.js';
import { signedPart, verificationBadge } from '../../parts/badges.js';
import { marked, shown } from '../../parts/elements.js';
import { countOf } from '../../parts/format.js';
import { section } from '../../parts/section.js';
import { h as component, html, useState, type VNode } from '../../preact.js';

export interface VerificationSectionProps {
  readonly inspector: Inspector;
  readonly record: DeliveryRecord;
}

/** Shows whether the delivery was authenticated, which bytes were signed, and why verification failed. */
export function VerificationSection({ inspector, record }: VerificationSectionProps): VNode {
  return section(
    'Verification',
    html`<div class="verification">
      <p class="verification-line">${marked(verificationBadge(record))} <span>${sentence(record)}</span></p>
      ${record.reason === undefined ? null : html`<p class="verification-reason">${shown(record.reason)}</p>`}
      ${record.verified === false ? component(Why, { inspector, id: record.id }) : null}
    </div>`,
  );
}

function sentence({ verified, verifiedBy, signed }: DeliveryRecord): string {
  if (verified === null) return 'The delivery was rejected before verification.';
  if (!verified) return 'The sender is not authenticated.';
  if (verifiedBy === undefined || verifiedBy === 'none') {
    return 'This source has scheme none: anyone can send to it.';
  }
  if (signed === undefined) return 'The sender is authenticated.';
  const { part, from, to, secret } = signed;
  const what = part === 'header' || part === 'token' ? 'Authenticated by' : 'The signature covers';
  const bytes =
    from === undefined || to === undefined
      ? ''
      : `: bytes ${from} to ${to - 1}, ${countOf(to - from, 'byte')}`;
  const which = secret === undefined ? '' : ` It matches secret ${secret}.`;
  return `${what} ${signedPart(part)}${bytes}.${which}`;
}

interface Explained {
  readonly sentences: readonly string[];
}

function Why({ inspector, id }: { readonly inspector: Inspector; readonly id: string }): VNode {
  const [said, setSaid] = useState<Explained | string | undefined>(undefined);
  const ask = async (): Promise<void> => {
    setSaid('Trying the usual causes…');
    const answer = await inspector.api
      .post(`api/deliveries/${encodeURIComponent(id)}/explain`, {})
      .then((explained) => explained as unknown as Explained, messageOf);
    setSaid(answer);
  };
  return html`<div class="why">
    <button type="button" class="button primary" onClick=${ask}>Why?</button>
    <div role="status" class="why-answer">
      ${
        typeof said === 'object'
          ? said.sentences.map((each) => html`<p>${shown(each)}</p>`)
          : said === undefined
            ? null
            : html`<p>${said}</p>`
      }
    </div>
  </div>`;
}
