import type { Answer } from './exchange.js';
import type { Probe, Vendor } from './probe.js';

/**
 * `ok`; `warning`: nothing is lost with usual settings; `lost`: real deliveries would be; `unsafe`: forged ones are taken;
 * `skipped`: a simpler one before was not taken.
 */
export type Grade = 'ok' | 'warning' | 'lost' | 'unsafe' | 'skipped';

export interface Judgement {
  readonly grade: Grade;
  /** What the vendor does with the answer and what to change, as sentences; empty where all is well. */
  readonly why: string;
}

const NAMES: Readonly<Record<Vendor, string>> = { segment: 'Segment', rudderstack: 'RudderStack' };

/** What an answer means for a delivery of that kind. */
export function judge(probe: Probe, answer: Answer, vendor: Vendor): Judgement {
  if (probe.kind === 'forged') return forged(answer);
  if (probe.kind === 'broken') return broken(answer, vendor);
  const fate = fateOf(answer, probe.hangsUp, vendor);
  if (fate.grade === 'ok') return fate;
  if (probe.kind === 'again') return again(fate, answer);
  const isHinted = fate.grade !== 'warning' && !isLate(answer, probe) && !isRedirect(answer);
  const hint = isHinted && probe.hint !== undefined ? ` ${probe.hint}` : '';
  if (probe.kind === 'optional' && fate.grade === 'lost') {
    return {
      grade: 'warning',
      why: `Concerns you only where ${probe.settings}: ${fate.why}${hint}`,
    };
  }
  return { grade: fate.grade, why: `${fate.why}${hint}` };
}

/** What the vendor does with an answer to a delivery that it wants to be rid of. */
function fateOf(answer: Answer, hangsUp: number, vendor: Vendor): Judgement {
  const name = NAMES[vendor];
  const retries =
    vendor === 'segment'
      ? `${name} tries it again for four hours, then drops it.`
      : `${name} tries it again for three hours, holding the user's other events back, then drops it.`;
  if (isLate(answer, { hangsUp })) {
    return lost(
      `${name} hangs up after ${hangsUp / 1000} s: answer before the work is done. ${retries}`,
    );
  }
  if ('error' in answer) return lost(`${retries} ${certificate(answer.error)}`.trim());
  const { status } = answer;
  if (status >= 200 && status < 300) return taken(answer, name, vendor);
  if (status >= 300 && status < 400) return lost(redirect(answer, name));
  if (status === 429 || (status === 408 && vendor === 'rudderstack')) {
    return warning(`${name} tries it again, so nothing is lost where that passes.`);
  }
  if (status >= 500) return lost(retries);
  return lost(`${name} drops it for good.`);
}

function taken(
  { status, body, contentType, took }: Taken,
  name: string,
  vendor: Vendor,
): Judgement {
  if (status === 298 && vendor === 'rudderstack') {
    return lost('RudderStack counts 298 as filtered, not as delivered: answer 200.');
  }
  if (saysNo(body)) {
    return lost(
      `${name} counts it as delivered, but the body of the answer says otherwise: only the status is read. Answer with a status that says so.`,
    );
  }
  if (/"quarantined":[1-9]/.test(body)) {
    return warning('It was kept in quarantine: look there why it is not a valid event.');
  }
  if (/html/i.test(contentType)) {
    return warning(
      'The answer is a web page: is this the receiver, or a login or tunnel page before it?',
    );
  }
  if (took > 5_000) {
    return warning(
      'It took over 5 s, after which Segment’s classic webhooks hang up: answer before the work is done.',
    );
  }
  return { grade: 'ok', why: '' };
}

type Taken = Exclude<Answer, { readonly error: string }>;

function redirect({ status, location = 'nowhere' }: Taken, name: string): string {
  const how =
    status === 307 || status === 308
      ? 'may send it there again'
      : 'follows as a GET without the body, so the event is gone';
  return `${name} ${how} (to ${place(location)}): enter the URL that answers itself.`;
}

/** A URL without what may be secret in it. */
function place(location: string): string {
  return location.replace(/[?#].*$/s, '').slice(0, 200);
}

function certificate(error: string): string {
  return /certificate|self-signed|ssl|tls/i.test(error)
    ? 'The certificate is not one that they trust: use one of a public authority, with its whole chain.'
    : '';
}

/** Whether the body of a 2xx says that it is none. */
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

function forged(answer: Answer): Judgement {
  if ('error' in answer)
    return warning(
      'Nothing was answered: answer 401, so that a wrong secret is seen at the vendor.',
    );
  const { status, body } = answer;
  if (status >= 200 && status < 300) {
    return saysNo(body)
      ? warning(
          'The body says that it was refused, the status does not: answer 401, or a wrong secret goes unnoticed at the vendor.',
        )
      : {
          grade: 'unsafe',
          why: 'Whoever knows the URL can send events: refuse what is not signed with the secret, with 401.',
        };
  }
  if (status >= 500) return warning('A 5xx says that it is worth trying again: answer 401.');
  if (status >= 300 && status < 400) return warning('A redirect is no refusal: answer 401.');
  return { grade: 'ok', why: '' };
}

function broken(answer: Answer, vendor: Vendor): Judgement {
  const name = NAMES[vendor];
  if ('error' in answer || answer.status >= 500) {
    return warning(`${name} sends it again and again, and it never gets better: answer 400.`);
  }
  if (answer.status < 300)
    return warning(`${name} counts it as delivered: answer 400, so that its users see it.`);
  return { grade: 'ok', why: '' };
}

/** Hints are about what is refused; of what comes too late, or sends elsewhere, something else is wrong. */
function isLate(answer: Answer, { hangsUp }: Pick<Probe, 'hangsUp'>): boolean {
  return 'error' in answer ? answer.timedOut : answer.took > hangsUp;
}

function isRedirect(answer: Answer): boolean {
  return !('error' in answer) && answer.status >= 300 && answer.status < 400;
}

function again(fate: Judgement, answer: Answer): Judgement {
  if ('error' in answer || answer.status >= 500 || answer.status < 300) return fate;
  return warning(
    'Nothing is lost, but the vendor reports a failure: answer an event that is there already with 200.',
  );
}

function lost(why: string): Judgement {
  return { grade: 'lost', why };
}

function warning(why: string): Judgement {
  return { grade: 'warning', why };
}
