import { isUtf8 } from 'node:buffer';
import { isHopHeader } from './headers.js';
import { MASKED } from './mask.js';
import type { DeliveryRecord, Fixture } from './record.js';
import type { Recording } from './recording.js';
import { REDACTED } from './redact.js';
import type { View } from './view.js';

/** Returns the delivery as a file that can be sent again. */
export function fixtureOf(recording: Recording, view: View): Fixture {
  const { bytes, changed } = view.body(recording);
  return shownAsFixture(view.record(recording), view.url(recording), { bytes, changed });
}

/**
 * Returns what was shown of a delivery as such a file; masked headers are omitted and named.
 * @param path with its query, complete
 * @param body complete, and whether it differs from the received one
 */
export function shownAsFixture(
  delivery: DeliveryRecord,
  path: string,
  { bytes, changed }: { readonly bytes: Buffer; readonly changed: boolean },
): Fixture {
  const { at, method, request, signed, source } = delivery;
  const sent = request.headers.filter(([name]) => !isHopHeader(name));
  const isHidden = (value: string): boolean => value.includes(MASKED) || value === REDACTED;
  const part = signed?.part;
  return {
    trackbridge: 1,
    recordedAt: at,
    source,
    method,
    path,
    httpVersion: request.httpVersion,
    headers: sent.filter(([, value]) => !isHidden(value)),
    body: isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') },
    redacted: changed || path.includes(REDACTED),
    masked: [...new Set(sent.filter(([, value]) => isHidden(value)).map(([name]) => name))],
    ...(part === undefined || part === 'header' || part === 'token' ? {} : { signed: part }),
  };
}
