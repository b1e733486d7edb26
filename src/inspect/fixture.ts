import { isUtf8 } from 'node:buffer';
import { isHopHeader } from './headers.js';
import { MASKED } from './mask.js';
import type { Fixture } from './record.js';
import { REDACTED } from './redact.js';
import type { Tape } from './tape.js';
import type { View } from './view.js';

/** The delivery as a file that can be sent again; what is masked is left out, and named. */
export function fixtureOf(tape: Tape, view: View): Fixture {
  const sent = view.headers(tape).filter(([name]) => !isHopHeader(name));
  const isHidden = (value: string): boolean => value.includes(MASKED) || value === REDACTED;
  const { bytes, changed } = view.body(tape);
  const path = view.url(tape);
  return {
    trackbridge: 1,
    recordedAt: new Date(tape.start.at).toISOString(),
    source: tape.start.source,
    method: tape.start.method,
    path,
    httpVersion: tape.start.httpVersion,
    headers: sent.filter(([, value]) => !isHidden(value)),
    body: isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') },
    redacted: changed || path.includes(REDACTED),
    masked: [...new Set(sent.filter(([, value]) => isHidden(value)).map(([name]) => name))],
  };
}
