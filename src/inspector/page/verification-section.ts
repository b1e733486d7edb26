import { messageOf } from './api.js';
import { countOf } from './format.js';
import type { Inspector } from './inspector.js';
import { marked, shown } from './parts.js';
import { h as component, html, useState, type VNode } from './preact.js';
import { section } from './section.js';
import { signedPart, verificationOf } from './verdict.js';
import type { DeliveryRecord } from './wire.js';

export interface VerificationSectionProps {
  readonly inspector: Inspector;
  readonly record: DeliveryRecord;
}

/** Whether it was proved who sent it, over which bytes, and if not, why not. */
export function VerificationSection({ inspector, record }: VerificationSectionProps): VNode {
  return section(
    'Verification',
    html`<div class="verification">
      <p class="verification-line">${marked(verificationOf(record))} <span>${sentence(record)}</span></p>
      ${record.reason === undefined ? null : html`<p class="verification-reason">${shown(record.reason)}</p>`}
      ${record.verified === false ? component(Why, { inspector, id: record.id }) : null}
    </div>`,
  );
}

function sentence({ verified, verifiedBy, signed }: DeliveryRecord): string {
  if (verified === null) return 'It was refused before its signature could be looked at.';
  if (!verified) return 'Nothing in the request proves who sent it.';
  if (verifiedBy === undefined || verifiedBy === 'none') {
    return 'This source checks nothing: anyone can send to it.';
  }
  if (signed === undefined) return 'It proves who sent the delivery.';
  const { part, from, to, secret } = signed;
  const what = part === 'header' || part === 'token' ? 'Proved by' : 'Taken over';
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
    setSaid('Trying what goes wrong in practice…');
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
