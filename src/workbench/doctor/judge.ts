import type { Answer } from './exchange.js';
import type { Probe, Vendor } from './probe.js';
import { type KnownProxy, settingOf } from './proxies.js';

/**
 * `ok`; `warning`: nothing is lost with usual settings; `lost`: real deliveries would be lost; `unsafe`: forged ones
 * are accepted; `skipped`: a simpler probe before was not accepted.
 */
export type Grade = 'ok' | 'warning' | 'lost' | 'unsafe' | 'skipped';

export interface Judgment {
  readonly grade: Grade;
  /** What the vendor does with the answer and what to change, as sentences; empty if all is well. */
  readonly why: string;
}

const NAMES: Readonly<Record<Vendor, string>> = { segment: 'Segment', rudderstack: 'RudderStack' };

/** Grades the answer to a delivery of this kind. `proxy`: the one in front of the receiver, if known. */
export function judge(probe: Probe, answer: Answer, vendor: Vendor, proxy?: KnownProxy): Judgment {
  if (probe.kind === 'forged') return forged(answer);
  if (probe.kind === 'broken') return broken(answer, vendor);
  const fate = fateOf(answer, probe.hangsUp, vendor);
  if (fate.grade === 'ok') return fate;
  if (probe.kind === 'again') return again(fate, answer);
  const isHinted = fate.grade !== 'warning' && !isLate(answer, probe) && !isRedirect(answer);
  const known = proxy && probe.limit && settingOf(proxy, probe.limit);
  const said = known ?? probe.hint;
  const hint = isHinted && said !== undefined ? ` ${said}` : '';
  if (probe.kind === 'optional' && fate.grade === 'lost') {
    return {
      grade: 'warning',
      why: `Applies only if ${probe.settings}: ${fate.why}${hint}`,
    };
  }
  return { grade: fate.grade, why: `${fate.why}${hint}` };
}

/** Says what the vendor does with such an answer to a real delivery. */
function fateOf(answer: Answer, hangsUp: number, vendor: Vendor): Judgment {
  const name = NAMES[vendor];
  const retries =
    vendor === 'segment'
      ? `${name} retries for four hours, then drops it.`
      : `${name} retries for three hours, delays the user's other events, then drops it.`;
  if (isLate(answer, { hangsUp })) {
    return lost(
      `${name} gives up after ${hangsUp / 1000} s: answer before you process the event. ${retries}`,
    );
  }
  if ('error' in answer) return lost(`${retries} ${certificate(answer.error)}`.trim());
  const { status } = answer;
  if (status >= 200 && status < 300) return taken(answer, name, vendor);
  if (status >= 300 && status < 400) return lost(redirect(answer, name));
  if (status === 429 || (status === 408 && vendor === 'rudderstack')) {
    return warning(`${name} retries, so nothing is lost if the retry succeeds.`);
  }
  if (status >= 500) return lost(retries);
  return lost(`${name} drops it and does not retry.`);
}

function taken({ status, body, contentType, took }: Taken, name: string, vendor: Vendor): Judgment {
  if (status === 298 && vendor === 'rudderstack') {
    return lost('RudderStack counts 298 as filtered, not as delivered: answer 200.');
  }
  if (saysNo(body)) {
    return lost(
      `${name} counts it as delivered, but the body of the answer reports a failure. Only the status is read: answer with an error status.`,
    );
  }
  if (/"quarantined":[1-9]/.test(body)) {
    return warning('The event is in quarantine: look there for the reason.');
  }
  if (/html/i.test(contentType)) {
    return warning(
      'The answer is a web page: check that the URL reaches the receiver, not a login or tunnel page.',
    );
  }
  if (took > 5_000) {
    return warning(
      'The answer took over 5 s. Segment’s classic webhooks give up then: answer before you process the event.',
    );
  }
  return { grade: 'ok', why: '' };
}

type Taken = Exclude<Answer, { readonly error: string }>;

function redirect({ status, location = 'nowhere' }: Taken, name: string): string {
  const how =
    status === 307 || status === 308
      ? 'may repeat the request there'
      : 'follows with a GET without the body, so the event is lost';
  return `${name} ${how} (to ${place(location)}): enter the final URL.`;
}

/** Returns a URL without parts that may be secret. */
function place(location: string): string {
  return location.replace(/[?#].*$/s, '').slice(0, 200);
}

function certificate(error: string): string {
  return /certificate|self-signed|ssl|tls/i.test(error)
    ? 'They do not trust the certificate: use one from a public authority, with its whole chain.'
    : '';
}

/** Whether the body of a 2xx reports an error. */
function saysNo(body: string): boolean {
  let said: unknown;
  try {
    said = JSON.parse(body);
  } catch {
    return false;
  }
  if (typeof said !== 'object' || said === null) return false;
  const { error, errors, errorMessage, success, ok, status, statusCode } = said as Record<
    string,
    unknown
  >;
  const failed = [error, errorMessage].some(
    (each) => each !== undefined && each !== null && each !== false && each !== '',
  );
  const listed = Array.isArray(errors) && errors.length > 0;
  const code = [status, statusCode].some((each) => typeof each === 'number' && each >= 400);
  return failed || listed || code || success === false || ok === false || status === 'error';
}

function forged(answer: Answer): Judgment {
  if ('error' in answer)
    return warning('No answer arrived: answer 401, so that the vendor shows a wrong secret.');
  const { status, body } = answer;
  if (status >= 200 && status < 300) {
    return saysNo(body)
      ? warning(
          'The body reports a rejection, but the status reports success: answer 401, or the vendor does not show a wrong secret.',
        )
      : {
          grade: 'unsafe',
          why: 'Anyone who knows the URL can send events: answer 401 to deliveries that are not signed with the secret.',
        };
  }
  if (status >= 500) return warning('A 5xx invites retries: answer 401.');
  if (status >= 300 && status < 400)
    return warning('A redirect does not reject the delivery: answer 401.');
  return { grade: 'ok', why: '' };
}

function broken(answer: Answer, vendor: Vendor): Judgment {
  const name = NAMES[vendor];
  if ('error' in answer || answer.status >= 500) {
    return warning(`${name} retries a delivery that can never succeed: answer 400.`);
  }
  if (answer.status < 300)
    return warning(`${name} counts it as delivered: answer 400, so that it shows the failure.`);
  return { grade: 'ok', why: '' };
}

/** Hints explain rejections. A late answer or a redirect has another cause. */
function isLate(answer: Answer, { hangsUp }: Pick<Probe, 'hangsUp'>): boolean {
  return 'error' in answer ? answer.timedOut : answer.took > hangsUp;
}

function isRedirect(answer: Answer): boolean {
  return !('error' in answer) && answer.status >= 300 && answer.status < 400;
}

function again(fate: Judgment, answer: Answer): Judgment {
  if ('error' in answer || answer.status >= 500 || answer.status < 300) return fate;
  return warning('Nothing is lost, but the vendor reports a failure: answer 200 to a duplicate.');
}

function lost(why: string): Judgment {
  return { grade: 'lost', why };
}

function warning(why: string): Judgment {
  return { grade: 'warning', why };
}
