import type { SourceConfig } from '../../config/config.js';
import type { JsonValue } from '../../core/json.js';
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
import type { RecordedEvent, Recording } from './recording.js';
import { REDACTED } from './redact.js';
import { createRedaction, type Redaction } from './redact-body.js';
import { signedPartOf } from './signed.js';

/** What may be shown of recordings. Everything that is shown passes through here. */
export interface View {
  summary(recording: Recording): DeliverySummary;
  record(recording: Recording): DeliveryRecord;
  attempt(recording: Recording, attempt: AttemptRecord): AttemptRecord;
  headers(recording: Recording): HeaderLine[];
  /** Path and query, of any length. */
  url(recording: Recording): string;
  body(recording: Recording, limit?: number): ShownBody;
  readonly mask: Mask;
}

interface ShownBody {
  readonly bytes: Buffer;
  /** There is more of it. */
  readonly truncated: boolean;
  /** It differs from what was received. */
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
/** The characters examined beyond the end, so that no half of a secret is shown. */
const MARGIN = 64 * 1024;

/** Headers that are always masked as a whole. */
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

/** Creates a view for operators, which shows neither secrets nor redacted values. */
export function createView({ mask, redact, sinks, sources }: ViewOptions): View {
  const hidings = new Map(
    Object.entries(sources).map(([name, source]) => [name, hidingOf(source, redact)]),
  );
  const unknown = hidingOfAll([...hidings.values()], redact);
  const hidingFor = (recording: Recording): Hiding =>
    hidings.get(recording.start.source) ?? unknown;
  /** What does not change any more once a delivery is answered. */
  const fixed = new WeakMap<Recording, Fixed>();

  const url = (recording: Recording): string => {
    const { path, redaction } = hidingFor(recording);
    const [before = '', ...query] = recording.start.url.split('?');
    const names = redaction.hides('/event') || redaction.hides('/name');
    const place = names && before.length > path.length + 1 ? `${path}/${REDACTED}` : before;
    const shown = query.length === 0 ? '' : `?${redaction.query(query.join('?'))}`;
    return mask.text(place + shown);
  };

  const headers = (recording: Recording): HeaderLine[] => {
    const { masked, redaction, remote } = hidingFor(recording);
    return pairsOf(recording.start.rawHeaders).map(([name, value]) => {
      const known = name.toLowerCase();
      if (masked.has(known)) return [mask.text(name), MASKED];
      if (redaction.active && ENVELOPE.test(known)) return [name, REDACTED];
      if (ADDRESSES.has(known) && remote) return [name, REDACTED];
      return [mask.text(name), mask.text(value)];
    });
  };

  const body = (recording: Recording, limit = Number.POSITIVE_INFINITY): ShownBody => {
    const sent = recording.body ?? Buffer.alloc(0);
    const redacted = hidingFor(recording).redaction.body(sent, headerOf(recording, 'content-type'));
    const looked = redacted.subarray(0, limit + MARGIN);
    const shown = mask.bytes(looked);
    return {
      bytes: shown.subarray(0, limit),
      truncated: redacted.length > limit,
      changed: redacted !== sent || shown !== looked,
    };
  };

  const firstOf = (recording: Recording): FirstEvent | undefined => {
    if (recording.first === undefined) return undefined;
    const shown = mask.json(hidingFor(recording).redaction.event({ ...recording.first }));
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

  const describe = (recording: Recording): Fixed => {
    const { answer, counts, start, verification } = recording;
    const reason = verification?.passed === false ? verification.reason : undefined;
    const { all, ...counted } = counts;
    return {
      id: start.id,
      ...(start.member !== undefined && { member: start.member }),
      at: new Date(start.at).toISOString(),
      source: start.source,
      method: start.method,
      path: url(recording).slice(0, LONGEST_PATH),
      remote: hidingFor(recording).remote ? REDACTED : start.remote,
      status: answer?.status ?? 0,
      outcome: answer?.outcome ?? '',
      ms: Math.round((answer?.ms ?? 0) * 100) / 100,
      bytes: recording.bodyBytes,
      verified: verification?.passed ?? null,
      count: all,
      ...counted,
      ...defined({
        code: answer?.code,
        detail: answer?.detail === undefined ? undefined : mask.text(answer.detail),
        verifiedBy: verification?.passed === true ? verification.verifiedBy : undefined,
        reason: reason === undefined ? undefined : mask.text(reason),
        first: firstOf(recording),
      }),
    };
  };

  const summary = (recording: Recording): DeliverySummary => {
    let known = fixed.get(recording);
    if (known === undefined) {
      known = describe(recording);
      if (recording.answer !== undefined) fixed.set(recording, known);
    }
    return { ...known, sinks: sinks.map((sink) => ({ sink, ...recording.progressOf(sink) })) };
  };

  const shownId = (messageId: string, redaction: Redaction): string =>
    redaction.hides('/messageId') ? REDACTED : mask.text(messageId);

  const event = (recorded: RecordedEvent, redaction: Redaction): EventRecord => {
    const { canonical, decoded, violations, ...kept } = recorded;
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

  const attempt = (recording: Recording, made: AttemptRecord): AttemptRecord => {
    const { error, farSide, ...rest } = made;
    // The server's answer may repeat the event.
    const isHidden = farSide === undefined || hidingFor(recording).redaction.active;
    return {
      ...rest,
      ...(error !== undefined && { error: mask.text(error) }),
      ...(!isHidden && { farSide: mask.text(farSide) }),
    };
  };

  const record = (recording: Recording): DeliveryRecord => {
    const { redaction, verify } = hidingFor(recording);
    const { bytes, changed, truncated } = body(recording, MOST_OF_BODY);
    const contentEncoding = headerOf(recording, 'content-encoding');
    const { origin } = recording;
    // What was signed is known only where the delivery arrived.
    const signed = origin === undefined ? signedPartOf(recording, verify) : origin.signed;
    return {
      ...summary(recording),
      request: {
        httpVersion: recording.start.httpVersion,
        headers: headers(recording),
        ...(contentEncoding === undefined ? {} : { contentEncoding: mask.text(contentEncoding) }),
        body: bytes.toString('base64'),
        bodyBytes: recording.bodyBytes,
        bodyTruncated: truncated || origin?.isCut === true,
        bodyRedacted: changed || origin?.isHidden === true,
      },
      ...(signed === undefined ? {} : { signed }),
      answer: {
        status: recording.answer?.status ?? 0,
        headers: Object.entries(recording.answer?.headers ?? {}).map(([name, value]) => [
          name,
          mask.text(String(value)),
        ]),
        body: mask.text(String(recording.answer?.body ?? '')).slice(0, LONGEST_ANSWER),
      },
      events: recording.events.map((each) => event(each, redaction)),
      attempts: recording.attempts.map((each) => attempt(recording, each)),
      attemptsDropped: recording.attemptsDropped,
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
function headerOf(recording: Recording, wanted: string): string | undefined {
  return pairsOf(recording.start.rawHeaders).find(([name]) => name.toLowerCase() === wanted)?.[1];
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(members: T): Defined<T> {
  const entries = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Defined<T>;
}
