import type { JsonObject, JsonValue } from '../core/json.js';
import type { Entry } from './entry.js';
import { objectAt, stepsOf, valueAt } from './paths.js';
import type { Difference, Side } from './settings.js';

/** A pair and one of its differences. */
interface Finding {
  readonly left: Entry;
  readonly right: Entry;
  readonly difference: Difference;
  /** The values at the path, the first ones of an array. */
  readonly values: Readonly<Record<Side, JsonValue | undefined>>;
}

interface Cause {
  readonly text: string;
  applies(finding: Finding): boolean;
}

const HOUR = 3_600_000;

/** The known causes, the most specific first. `docs/parity.md` lists them. */
const CAUSES: readonly Cause[] = [
  {
    text: "Segment's browser SDK sends the current user instead of the new one in alias",
    applies: ({ difference: { path }, left }) =>
      left.event.type === 'alias' && (path === '/userId' || path === '/previousId'),
  },
  {
    text: 'RudderStack keeps the anonymousId after reset() and when the user changes, Segment renews it',
    applies: ({ difference: { path } }) => path === '/anonymousId',
  },
  {
    text: 'a tracking plan of one vendor removes or blocks the property',
    applies: ({ difference: { kind, path }, left, right }) =>
      (kind === 'missing' ? violates(right) : kind === 'extra' && violates(left)) &&
      /^\/(properties|traits)\//.test(path),
  },
  {
    text: 'Segment replaces a nested trait, RudderStack merges it with the stored one',
    applies: ({ difference: { kind, path } }) =>
      (kind === 'missing' || kind === 'extra') && /^\/traits\/[^/]+\/[^*]/.test(path),
  },
  {
    text: "Segment replaces the address's campaign by the given one, RudderStack merges both",
    applies: ({ difference: { path } }) => path.startsWith('/context/campaign'),
  },
  {
    text: 'RudderStack ignores a relative canonical link and takes the address of the tab',
    applies: ({ difference: { kind, path } }) =>
      kind === 'value' && /^\/(context\/page|properties)\/(url|path)$/.test(path),
  },
  {
    text: "RudderStack's browser SDK drops a title that is null",
    applies: ({ difference: { kind, path } }) =>
      (kind === 'missing' || kind === 'extra') && /^\/context\/page\/title$/.test(path),
  },
  {
    text: 'one side has a local time without its zone: the difference is whole hours',
    applies: ({ difference: { kind }, values }) => kind === 'time' && wholeHours(values),
  },
  {
    text: 'one SDK ignores the time given to the call; pass `timestamp` to Segment and `originalTimestamp` to RudderStack in browsers',
    applies: ({ difference: { kind, path }, left, right }) =>
      kind === 'time' && path === '/timestamp' && Math.abs(left.timestamp - right.timestamp) > HOUR,
  },
  {
    text: 'retries: an SDK that keeps the first sentAt shifts the timestamp by the delay',
    applies: ({ difference: { kind, path } }) => kind === 'time' && path === '/timestamp',
  },
  {
    text: 'RudderStack reads integers beyond 2^53 as doubles; send them as text',
    applies: ({ difference: { kind }, values: { left, right } }) =>
      kind === 'precision' && [left, right].some(isLargeInteger),
  },
  {
    text: 'one side rounds the number',
    applies: ({ difference: { kind } }) => kind === 'precision',
  },
  {
    text: 'RudderStack removes NUL characters from texts',
    applies: ({ values: { left, right } }) =>
      typeof left === 'string' &&
      typeof right === 'string' &&
      left.replaceAll('\0', '') === right.replaceAll('\0', ''),
  },
  {
    text: 'the texts differ only by spaces',
    applies: ({ difference: { kind }, values: { left, right } }) =>
      kind === 'value' && sameText(left, right, (text) => text.replace(/\s+/g, '')),
  },
  {
    text: 'the texts differ only by upper and lower case',
    applies: ({ difference: { kind }, values: { left, right } }) =>
      kind === 'value' && sameText(left, right, (text) => text.toLowerCase()),
  },
  {
    text: 'one side sends a number as text',
    applies: ({ difference: { kind }, values: { left, right } }) =>
      kind === 'type' && isNumberAsText(left, right),
  },
  {
    text: 'one side sends a boolean as text or number',
    applies: ({ difference: { kind }, values: { left, right } }) =>
      kind === 'type' && (typeof left === 'boolean') !== (typeof right === 'boolean'),
  },
  {
    text: 'the sides collect the items of the list in another order',
    applies: ({ difference: { kind } }) => kind === 'order',
  },
  {
    text: 'the calls select other destinations',
    applies: ({ difference: { path } }) => path.startsWith('/integrations/'),
  },
  {
    text: 'the call of the right side does not set it',
    applies: ({ difference: { kind, path } }) => kind === 'missing' && isGiven(path),
  },
  {
    text: 'the call of the left side does not set it',
    applies: ({ difference: { kind, path } }) => kind === 'extra' && isGiven(path),
  },
];

/** Returns the cause of a difference in words; '' if it is not known. */
export function causeOf(left: Entry, right: Entry, difference: Difference): string {
  const steps = stepsOf(difference.path);
  const values = {
    left: valueAt(left.normalized.event, steps),
    right: valueAt(right.normalized.event, steps),
  };
  const finding = { left, right, difference, values };
  return CAUSES.find((cause) => cause.applies(finding))?.text ?? '';
}

/** Both vendors' pipelines note what a tracking plan found. */
function violates({ event }: Entry): boolean {
  const context: JsonObject = event.context;
  return objectAt(context, 'protocols') !== undefined || context['violationErrors'] !== undefined;
}

function isGiven(path: string): boolean {
  return /^\/(properties|traits|userId|groupId)/.test(path);
}

function wholeHours({ left, right }: Finding['values']): boolean {
  const distance = Math.abs(Date.parse(String(left)) - Date.parse(String(right)));
  const rest = Math.min(distance % HOUR, HOUR - (distance % HOUR));
  return distance > HOUR / 2 && distance < 15 * HOUR && rest < 5_000;
}

function isLargeInteger(value: JsonValue | undefined): boolean {
  return typeof value === 'number' && Math.abs(value) > Number.MAX_SAFE_INTEGER;
}

function sameText(
  left: JsonValue | undefined,
  right: JsonValue | undefined,
  fold: (text: string) => string,
): boolean {
  return typeof left === 'string' && typeof right === 'string' && fold(left) === fold(right);
}

function isNumberAsText(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  const [number, text] = typeof left === 'number' ? [left, right] : [right, left];
  return typeof number === 'number' && typeof text === 'string' && Number(text) === number;
}
