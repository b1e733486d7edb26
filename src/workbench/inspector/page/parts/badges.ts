import type { DeliverySummary, EventRecord, SinkTally } from '../data/wire.js';

/** The color of a badge. Its label says the same in words. */
type Tone = 'good' | 'info' | 'warn' | 'bad' | 'quiet';

/** A result in a few words, with a color. */
export interface Badge {
  readonly label: string;
  readonly tone: Tone;
}

/** The result of a delivery, in two or three words. */
export function deliveryBadge(delivery: DeliverySummary): Badge {
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

/** Why a delivery was not accepted unchanged; undefined if there is nothing to explain. */
export function reasonOf(delivery: DeliverySummary): string | undefined {
  return delivery.detail ?? delivery.reason;
}

/** Returns whether the delivery was authenticated, and by which scheme. */
export function verificationBadge({ verified, verifiedBy }: DeliverySummary): Badge {
  if (verified === null) return { label: 'not checked', tone: 'quiet' };
  if (!verified) return { label: 'invalid', tone: 'bad' };
  if (verifiedBy === undefined || verifiedBy === 'none') return { label: 'none', tone: 'quiet' };
  return { label: verifiedBy, tone: 'good' };
}

/** Returns a sink's progress with a delivery's events. */
export function progressOf(sink: SinkTally): Badge {
  if (sink.dead > 0) return { label: `${sink.dead} dead`, tone: 'bad' };
  if (sink.failed > 0) return { label: `${sink.failed} retrying`, tone: 'warn' };
  if (sink.pending > 0) return { label: `${sink.pending} pending`, tone: 'info' };
  if (sink.delivered > 0) return { label: `${sink.delivered} delivered`, tone: 'good' };
  return { label: 'filtered', tone: 'quiet' };
}

/** Whether a sink has or had any of a delivery's events: it receives nothing of a rejected one. */
export function isConcerned({ delivered, failed, pending, skipped, dead }: SinkTally): boolean {
  return delivered + failed + pending + skipped + dead > 0;
}

/** Returns the outcome of one event of a delivery. */
export function eventBadge({ outcome }: EventRecord): Badge {
  const tones: Readonly<Record<EventRecord['outcome'], Tone>> = {
    accepted: 'good',
    duplicate: 'info',
    looped: 'info',
    quarantined: 'warn',
    refused: 'bad',
  };
  return { label: outcome, tone: tones[outcome] };
}

/** Names the part of a request that was signed or held the secret, as the end of a sentence. */
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
