import type { DeliverySummary, EventRecord, SinkTally } from './wire.js';

/** How something is to be seen at a glance; the word beside it says the same. */
type Tone = 'good' | 'info' | 'warn' | 'bad' | 'quiet';

export interface Verdict {
  readonly label: string;
  readonly tone: Tone;
}

/** What became of a delivery, in two or three words. */
export function verdictOf(delivery: DeliverySummary): Verdict {
  const { status, outcome, accepted, duplicates, quarantined, looped } = delivery;
  if (status < 200 || status > 299) {
    return { label: outcome.replaceAll('_', ' '), tone: outcome === 'invalid' ? 'warn' : 'bad' };
  }
  const parts = [
    { count: accepted, label: 'accepted' },
    { count: quarantined, label: 'quarantined' },
    { count: duplicates, label: 'duplicate' },
    { count: looped, label: 'looped' },
  ].filter(({ count }) => count > 0);
  const [only, second] = parts;
  if (only === undefined) return { label: outcome.replaceAll('_', ' '), tone: 'info' };
  const tone = quarantined > 0 ? 'warn' : accepted > 0 ? 'good' : 'info';
  if (second === undefined) return { label: only.label, tone };
  return { label: parts.map(({ count, label }) => `${count} ${label}`).join(', '), tone };
}

/** Why a delivery was not taken as it is; undefined where there is nothing to explain. */
export function reasonOf(delivery: DeliverySummary): string | undefined {
  return delivery.detail ?? delivery.reason;
}

/** Whether and by what a delivery proved who sent it. */
export function verificationOf({ verified, verifiedBy }: DeliverySummary): Verdict {
  if (verified === null) return { label: 'not checked', tone: 'quiet' };
  if (!verified) return { label: 'does not hold', tone: 'bad' };
  if (verifiedBy === undefined || verifiedBy === 'none') return { label: 'none', tone: 'quiet' };
  return { label: verifiedBy, tone: 'good' };
}

/** How far a sink has come with a delivery's events. */
export function progressOf(sink: SinkTally): Verdict {
  if (sink.dead > 0) return { label: `${sink.dead} dead`, tone: 'bad' };
  if (sink.failed > 0) return { label: `${sink.failed} retrying`, tone: 'warn' };
  if (sink.pending > 0) return { label: `${sink.pending} pending`, tone: 'info' };
  if (sink.delivered > 0) return { label: `${sink.delivered} delivered`, tone: 'good' };
  return { label: 'skipped', tone: 'quiet' };
}

/** Whether a sink has or had anything to do with a delivery: of one that was refused it gets nothing. */
export function isConcerned({ delivered, failed, pending, skipped, dead }: SinkTally): boolean {
  return delivered + failed + pending + skipped + dead > 0;
}

/** What became of one event of a delivery. */
export function eventVerdict({ outcome }: EventRecord): Verdict {
  const tones: Readonly<Record<EventRecord['outcome'], Tone>> = {
    accepted: 'good',
    duplicate: 'info',
    looped: 'info',
    quarantined: 'warn',
    refused: 'bad',
  };
  return { label: outcome, tone: tones[outcome] };
}

/** Which part of a request a signature or secret was found in or taken over, as the end of a sentence. */
export function signedPart(part: string): string {
  const parts: Readonly<Record<string, string>> = {
    body: 'the whole body',
    'first-element': 'the first element of the batch',
    'first-element-json': 'the json member of the first element',
    header: 'a header',
    token: 'a token',
  };
  return parts[part] ?? part;
}
