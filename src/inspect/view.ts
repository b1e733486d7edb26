import type { SourceConfig } from '../config/config.js';
import type { JsonValue } from '../event/event.js';
import { FAR_SIDE_SAID } from '../outbox/outbox.js';
import { pairsOf } from './headers.js';
import { MASKED, type Mask } from './mask.js';
import type {
  AttemptRecord,
  DeliveryRecord,
  DeliverySummary,
  EventRecord,
  FirstEvent,
  HeaderLine,
} from './record.js';
import { REDACTED } from './redact.js';
import { createRedaction, type Redaction } from './redact-body.js';
import { signedPartOf } from './signed.js';
import type { Tape, TapedEvent } from './tape.js';

/** What may be shown of tapes: everything that leaves goes through here. */
export interface View {
  summary(tape: Tape): DeliverySummary;
  record(tape: Tape): DeliveryRecord;
  attempt(tape: Tape, attempt: AttemptRecord): AttemptRecord;
  headers(tape: Tape): HeaderLine[];
  /** Path and query, of any length. */
  url(tape: Tape): string;
  body(tape: Tape, limit?: number): ShownBody;
  readonly mask: Mask;
}

interface ShownBody {
  readonly bytes: Buffer;
  /** There is more of it. */
  readonly truncated: boolean;
  /** It is not what came. */
  readonly changed: boolean;
}

export interface ViewOptions {
  readonly mask: Mask;
  readonly redact: readonly string[];
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly sinks: readonly string[];
}

const LONGEST_PATH = 2_000;
const LONGEST_ANSWER = 64 * 1024;
const MOST_OF_BODY = 1024 * 1024;
/** What is looked at beyond the end, so that no half of a secret stands there. */
const MARGIN = 64 * 1024;

/** Headers that are masked as a whole, whoever takes them. */
const CREDENTIALS = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'];

/** The headers in which a RudderStack transformation sends the event along. */
const ENVELOPE = /^x-trackbridge-event(?:-\d+)?$/;

/** Headers in which proxies put a sender's address. */
const ADDRESSES: ReadonlySet<string> = new Set([
  ...['forwarded', 'x-forwarded-for', 'x-real-ip', 'true-client-ip', 'cf-connecting-ip'],
]);

/** What is hidden of one source's deliveries. */
interface Hiding {
  readonly path: string;
  readonly redaction: Redaction;
  /** The sender's address, which is a user's where browsers send. */
  readonly remote: boolean;
  readonly masked: ReadonlySet<string>;
  readonly verify: SourceConfig['verify'];
}

type Fixed = Omit<DeliverySummary, 'sinks'>;

/** A view of tapes for operators, none of whom gets to see a secret or what is to be redacted. */
export function createView({ mask, redact, sinks, sources }: ViewOptions): View {
  const hidings = new Map(
    Object.entries(sources).map(([name, source]) => [name, hidingOf(source, redact)]),
  );
  const unknown = hidingOfAll([...hidings.values()], redact);
  const hidingFor = (tape: Tape): Hiding => hidings.get(tape.start.source) ?? unknown;
  /** What does not change any more once a delivery is answered. */
  const fixed = new WeakMap<Tape, Fixed>();

  const url = (tape: Tape): string => {
    const { path, redaction } = hidingFor(tape);
    const [before = '', ...query] = tape.start.url.split('?');
    const names = redaction.hides('/event') || redaction.hides('/name');
    const place = names && before.length > path.length + 1 ? `${path}/${REDACTED}` : before;
    const shown = query.length === 0 ? '' : `?${redaction.query(query.join('?'))}`;
    return mask.text(place + shown);
  };

  const headers = (tape: Tape): HeaderLine[] => {
    const { masked, redaction, remote } = hidingFor(tape);
    return pairsOf(tape.start.rawHeaders).map(([name, value]) => {
      const known = name.toLowerCase();
      if (masked.has(known)) return [mask.text(name), MASKED];
      if (redaction.active && ENVELOPE.test(known)) return [name, REDACTED];
      if (ADDRESSES.has(known) && remote) return [name, REDACTED];
      return [mask.text(name), mask.text(value)];
    });
  };

  const body = (tape: Tape, limit = Number.POSITIVE_INFINITY): ShownBody => {
    const sent = tape.body ?? Buffer.alloc(0);
    const redacted = hidingFor(tape).redaction.body(sent, headerOf(tape, 'content-type'));
    const looked = redacted.subarray(0, limit + MARGIN);
    const shown = mask.bytes(looked);
    return {
      bytes: shown.subarray(0, limit),
      truncated: redacted.length > limit,
      changed: redacted !== sent || shown !== looked,
    };
  };

  const firstOf = (tape: Tape): FirstEvent | undefined => {
    if (tape.first === undefined) return undefined;
    const shown = mask.json(hidingFor(tape).redaction.event({ ...tape.first }));
    const text = (...names: string[]): string | undefined => {
      const values = shown as Readonly<Record<string, JsonValue>>;
      const name = names.find((each) => values[each] !== undefined && values[each] !== '');
      return name === undefined ? undefined : String(values[name]).slice(0, 500);
    };
    return defined({
      type: text('type'),
      event: text('event', 'name'),
      user: text('userId', 'anonymousId'),
      messageId: text('messageId'),
    });
  };

  const describe = (tape: Tape): Fixed => {
    const { answer, counts, start, verification } = tape;
    const reason = verification?.holds === false ? verification.reason : undefined;
    const { all, ...counted } = counts;
    return {
      id: start.id,
      at: new Date(start.at).toISOString(),
      source: start.source,
      method: start.method,
      path: url(tape).slice(0, LONGEST_PATH),
      remote: hidingFor(tape).remote ? REDACTED : start.remote,
      status: answer?.status ?? 0,
      outcome: answer?.outcome ?? '',
      ms: Math.round((answer?.ms ?? 0) * 100) / 100,
      bytes: tape.body?.length ?? 0,
      verified: verification?.holds ?? null,
      count: all,
      ...counted,
      ...defined({
        code: answer?.code,
        detail: answer?.detail === undefined ? undefined : mask.text(answer.detail),
        verifiedBy: verification?.holds === true ? verification.verifiedBy : undefined,
        reason: reason === undefined ? undefined : mask.text(reason),
        first: firstOf(tape),
      }),
    };
  };

  const summary = (tape: Tape): DeliverySummary => {
    let known = fixed.get(tape);
    if (known === undefined) {
      known = describe(tape);
      if (tape.answer !== undefined) fixed.set(tape, known);
    }
    return { ...known, sinks: sinks.map((sink) => ({ sink, ...tape.progressOf(sink) })) };
  };

  const shownId = (messageId: string, redaction: Redaction): string =>
    redaction.hides('/messageId') ? REDACTED : mask.text(messageId);

  const event = (taped: TapedEvent, redaction: Redaction): EventRecord => {
    const { canonical, decoded, violations, ...kept } = taped;
    const shown = (json: string): JsonValue =>
      mask.json(redaction.event(JSON.parse(json) as JsonValue));
    return {
      ...kept,
      ...(kept.messageId === undefined ? {} : { messageId: shownId(kept.messageId, redaction) }),
      decoded: shown(decoded),
      ...(canonical === undefined ? {} : { canonical: shown(canonical) }),
      violations: violations.map(({ path, message }) => ({
        path: mask.text(path),
        message: redaction.hides(path) ? REDACTED : mask.text(message),
      })),
    };
  };

  const attempt = (tape: Tape, made: AttemptRecord): AttemptRecord => {
    if (made.error === undefined) return made;
    // What the far side said may repeat the event.
    const [ours = ''] = made.error.split(FAR_SIDE_SAID);
    const error = hidingFor(tape).redaction.active ? ours : made.error;
    return { ...made, error: mask.text(error) };
  };

  const record = (tape: Tape): DeliveryRecord => {
    const { redaction, verify } = hidingFor(tape);
    const { bytes, changed, truncated } = body(tape, MOST_OF_BODY);
    const contentEncoding = headerOf(tape, 'content-encoding');
    const signed = signedPartOf(tape, verify);
    return {
      ...summary(tape),
      request: {
        httpVersion: tape.start.httpVersion,
        headers: headers(tape),
        ...(contentEncoding === undefined ? {} : { contentEncoding: mask.text(contentEncoding) }),
        body: bytes.toString('base64'),
        bodyBytes: tape.body?.length ?? 0,
        bodyTruncated: truncated,
        bodyRedacted: changed,
      },
      ...(signed === undefined ? {} : { signed }),
      answer: {
        status: tape.answer?.status ?? 0,
        headers: Object.entries(tape.answer?.headers ?? {}).map(([name, value]) => [
          name,
          mask.text(String(value)),
        ]),
        body: mask.text(String(tape.answer?.body ?? '')).slice(0, LONGEST_ANSWER),
      },
      events: tape.events.map((each) => event(each, redaction)),
      attempts: tape.attempts.map((each) => attempt(tape, each)),
      attemptsDropped: tape.attemptsDropped,
    };
  };

  return { summary, record, attempt, headers, url, body, mask };
}

function hidingOf(source: SourceConfig | undefined, redact: readonly string[]): Hiding {
  const verify = source?.verify ?? [];
  const own = verify.flatMap((each) =>
    each.scheme === 'shared-secret' ? each.header.toLowerCase() : [],
  );
  const redaction = createRedaction(redact, source?.type === 'webhook-source');
  const fromUsers = source?.type === 'tracking-api' || source?.type === 'webhook-source';
  return {
    path: source?.path ?? '',
    redaction,
    remote: fromUsers && redaction.hides('/context/ip'),
    masked: new Set([...CREDENTIALS, ...own]),
    verify,
  };
}

/** What no source has taken may have been meant for any of them. */
function hidingOfAll(hidings: readonly Hiding[], redact: readonly string[]): Hiding {
  return {
    ...hidingOf(undefined, redact),
    remote: hidings.some(({ remote }) => remote),
    masked: new Set([...CREDENTIALS, ...hidings.flatMap(({ masked }) => [...masked])]),
  };
}

/** The first line of a header, its name in lower case. */
function headerOf(tape: Tape, wanted: string): string | undefined {
  return pairsOf(tape.start.rawHeaders).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(members: T): Defined<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
