import type pc from 'picocolors';
import type { DeliverySummary } from '../inspect/record.js';
import { printable } from '../sinks/printable.js';
import type { Attempted } from './tail-follow.js';

type Colors = ReturnType<typeof pc.createColors>;

// Enough to recognise a delivery by, and a line still fits on a wide terminal.
const LONGEST_NAME = 60;
const LONGEST_ID = 40;
const LONGEST_WHY = 200;

/**
 * One delivery as one line for people: time (UTC), source, method, what was answered, first event and its user, whether it
 * verified or why not, milliseconds, and sinks that failed. Control characters are escaped. No line break at the end.
 *
 * @param width of the longest source name
 */
export function deliveryLine(delivery: DeliverySummary, colors: Colors, width: number): string {
  const { accepted, count, duplicates, looped, method, ms, outcome, quarantined } = delivery;
  const beside = [
    count > 1 && accepted > 0 ? `${accepted} accepted` : '',
    duplicates > 0 ? `${duplicates} duplicate` : '',
    quarantined > 0 ? `${quarantined} quarantined` : '',
    looped > 0 ? `${looped} looped` : '',
  ].filter((text) => text !== '' && text !== `1 ${outcome}`);
  return joined([
    colors.dim(timeOf(delivery.at)),
    colors.cyan(shown(delivery.source || '-', LONGEST_ID).padEnd(width)),
    shown(method, LONGEST_ID).padEnd(6),
    colored(delivery.status, colors)(`${delivery.status} ${shown(outcome, LONGEST_ID)}`),
    whatOf(delivery, colors),
    userOf(delivery, colors),
    verifiedOf(delivery, colors),
    painted(beside.join(', '), colors.yellow),
    colors.dim(`${Math.round(ms)} ms`),
    ...delivery.sinks.map((tally) => painted(troubleOf(tally), colors.red)),
  ]);
}

/** An attempt of a sink that failed, in a line of its own, since it comes after the delivery's; '' for one that did not. */
export function attemptLine(attempt: Attempted, colors: Colors, width: number): string {
  const { error, eventIds, outcome } = attempt;
  if (outcome !== 'transient' && outcome !== 'permanent') return '';
  const events = `${eventIds.length} event${eventIds.length === 1 ? '' : 's'}`;
  const what =
    outcome === 'transient' ? 'failed, to be tried again' : 'not taken, a dead letter now';
  return joined([
    colors.dim(timeOf(attempt.at)),
    colors.cyan('sink'.padEnd(width)),
    colors.bold(shown(attempt.sink, LONGEST_ID)),
    colors.red(`${events} ${what}`),
    shown(error, LONGEST_WHY),
  ]);
}

/** Nothing stays nothing: between two codes for colours it would be something. */
function painted(text: string, color: (text: string) => string): string {
  return text === '' ? '' : color(text);
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('  ');
}

function timeOf(at: string): string {
  return shown(at, LONGEST_ID).slice(11, 23);
}

function whatOf({ count, first, path }: DeliverySummary, colors: Colors): string {
  if (first === undefined) return colors.dim(shown(path, LONGEST_NAME));
  const name = [
    shown(first.type, LONGEST_ID),
    painted(shown(first.event, LONGEST_NAME), colors.bold),
  ];
  const more = count > 1 ? `and ${count - 1} more` : '';
  return [...name, more].filter((part) => part !== '').join(' ') || `${count} events`;
}

function userOf({ first }: DeliverySummary, colors: Colors): string {
  return first?.user === undefined ? '' : colors.green(`user ${shown(first.user, LONGEST_ID)}`);
}

function verifiedOf(delivery: DeliverySummary, colors: Colors): string {
  const { detail, reason, verified, verifiedBy } = delivery;
  const why = shown(reason ?? detail, LONGEST_WHY);
  if (verified === false) return colors.red(because('not verified', why));
  const refused = delivery.status >= 300 ? painted(shown(detail, LONGEST_WHY), colors.red) : '';
  if (verified === null) return refused;
  const by = verifiedBy === 'none' ? colors.yellow('unsigned') : 'verified';
  return refused === '' ? by : `${by}  ${refused}`;
}

function because(what: string, why: string): string {
  return why === '' ? what : `${what}: ${why}`;
}

function troubleOf({ dead, failed, sink }: DeliverySummary['sinks'][number]): string {
  const parts = [failed > 0 ? `${failed} failed` : '', dead > 0 ? `${dead} dead` : ''];
  const said = parts.filter((part) => part !== '').join(', ');
  return said === '' ? '' : `${shown(sink, LONGEST_ID)}: ${said}`;
}

function colored(status: number, colors: Colors): (text: string) => string {
  if (status < 300) return colors.green;
  return status < 500 && status !== 408 && status !== 429 ? colors.red : colors.yellow;
}

function shown(value: string | undefined, longest: number): string {
  return value === undefined ? '' : printable(value, longest);
}
