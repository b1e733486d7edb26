import { type Answer, readAnswers } from './answers.js';
import type { Exchange } from './exchange.js';
import type { Input } from './inputs.js';
import { BUDGET, SECRET } from './target.js';

/** What the contract allows as an answer; 503 only to a request whose rest never came. */
const STATUSES = new Set([100, 200, 204, 400, 401, 404, 405, 408, 413, 415, 422, 429, 431]);
// The contract allows 100 ms over the budget. The rest is for a shared machine, whose processes are late by themselves.
const OVER = 100 + 1_500;
// Stack frames, and places of this machine.
const INSIDES = /\n\s*at |node:|\.[jt]s\b|node_modules|\/(?:home|tmp|usr|var|root|work)\b/;

/** What RudderStack's gateway answers, with 500, to a body whose coding is broken. */
const GATEWAY_UNREADABLE = 'failed to read body from request\n';

// Anything but blank lines. Node closes on HTTP/2's preface without a word where the parser lets it pass.
const ASKS = /^(?![\s\S]*PRI )[\s\S]*[^\r\n]/;

/** What the answers to one input said, or what is wrong with them. */
export interface Judgment {
  readonly fault?: string;
  readonly statuses: readonly number[];
  readonly accepted: number;
}

/** Judges all that came back for one input; `fault` is one line that names the rule that was broken. */
export function judge(input: Input, exchange: Exchange): Judgment {
  const mayBeHead = input.bytes.includes('HEAD');
  const { answers, rest } = readAnswers(exchange.answer, mayBeHead);
  const statuses = answers.map(({ status }) => status);
  const accepted = answers.reduce((sum, answer) => sum + acceptedIn(answer), 0);
  const isSilent =
    exchange.answer.length === 0 && !exchange.reset && ASKS.test(input.bytes.toString('latin1'));
  const fault =
    (isSilent ? 'there is no answer' : undefined) ??
    (exchange.took > BUDGET + OVER
      ? `was answered only after ${Math.round(exchange.took)} ms`
      : undefined) ??
    (rest !== '' && !exchange.reset
      ? `the answer is no HTTP: ${JSON.stringify(rest.slice(0, 200))}`
      : undefined) ??
    answers.map((answer) => faultOf(answer, input, mayBeHead)).find((each) => each !== undefined);
  return { statuses, accepted, ...(fault === undefined ? {} : { fault }) };
}

function acceptedIn({ status, body }: Answer): number {
  return status === 200
    ? Number(/^\{"status":"accepted","accepted":(\d+)/.exec(body)?.[1] ?? 0)
    : 0;
}

function faultOf(answer: Answer, input: Input, mayBeHead: boolean): string | undefined {
  const { status, headers, body } = answer;
  // Node does not notice the end of the sender's half behind an upgrade: then a body that was cut off is waited for.
  const isUnfinished = input.withheld || /\r\nupgrade:/i.test(input.bytes.toString('latin1'));
  const isAllowed =
    STATUSES.has(status) ||
    (status === 500 && body === GATEWAY_UNREADABLE) ||
    ((status === 503 || status === 504) && isUnfinished);
  if (!isAllowed) return `the status is ${status}: ${body.slice(0, 300)}`;
  if (status === 100) return undefined;
  if (isDialect(answer))
    return INSIDES.test(body) ? `a ${status} shows its insides: ${body}` : undefined;
  if (!/^[0-9a-f-]{36}$/.test(headers.get('x-request-id') ?? ''))
    return `${status} without x-request-id`;
  // The beginning of an unknown path is shown to who asked for it.
  if (status !== 404 && body.includes(SECRET)) return 'the secret is in the answer';
  if (status === 204 || (mayBeHead && body === '')) return undefined;
  const content = parsed(body);
  if (content === undefined) return `the body of a ${status} is no JSON: ${body.slice(0, 200)}`;
  if (status === 200) return undefined;
  return problemFault(answer, content);
}

/** Whether a source that speaks as a vendor does gave this answer: a text, an image, Segment's JSON, or the gateway's 405. */
function isDialect({ status, headers, body }: Answer): boolean {
  const type = headers.get('content-type') ?? '';
  return (
    (status === 405 && body === '' && type === '') ||
    type.startsWith('text/plain') ||
    type === 'image/gif' ||
    /^\{"(?:success|code|Version)"/.test(body)
  );
}

function problemFault({ status, headers, body }: Answer, content: object): string | undefined {
  if (!headers.get('content-type')?.startsWith('application/problem+json')) {
    return `a ${status} is no problem+json`;
  }
  const { type, title, status: own, detail } = content as Record<string, unknown>;
  const isProblem = typeof type === 'string' && typeof title === 'string' && own === status;
  if (!isProblem || typeof detail !== 'string') return `a ${status} is no whole problem: ${body}`;
  // What a sender wrote may stand in a path of an error, but then without line breaks.
  if (INSIDES.test(detail) || /[\r\n]/.test(detail))
    return `a ${status} shows its insides: ${detail}`;
  if (status === 405 && !headers.has('allow')) return '405 without Allow';
  return undefined;
}

function parsed(body: string): object | undefined {
  try {
    return Object(JSON.parse(body)) as object;
  } catch {
    return undefined;
  }
}
