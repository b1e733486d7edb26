import type pc from 'picocolors';
import { printable } from '../../core/printable.js';
import type { DeliverySummary } from '../../workbench/inspect/record.js';
import type { Attempted } from './follow.js';

type Colors = ReturnType<typeof pc.createColors>;

// Enough to recognize a delivery, and short enough for a line to fit on a wide terminal.
const LONGEST_NAME = 60;
const LONGEST_ID = 40;
const LONGEST_WHY = 200;

/**
 * Returns one delivery as one line for people: time (UTC), the member that received it, source, method, status, first event and its user, whether it
 * was authenticated or why not, milliseconds, and sinks that failed. Control characters are escaped. Without a line
 * break at the end.
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
    delivery.member === undefined ? '' : colors.dim(shown(delivery.member, LONGEST_ID)),
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

/**
 * Returns a failed attempt of a sink as a line of its own, since it happens after the delivery's line; '' for a
 * successful attempt.
 */
export function attemptLine(attempt: Attempted, colors: Colors, width: number): string {
  const { error, eventIds, farSide, outcome } = attempt;
  if (outcome !== 'transient' && outcome !== 'permanent') return '';
  const events = `${eventIds.length} event${eventIds.length === 1 ? '' : 's'}`;
  const what = outcome === 'transient' ? 'failed, will be retried' : 'rejected, now a dead letter';
  return joined([
    colors.dim(timeOf(attempt.at)),
    attempt.member === undefined ? '' : colors.dim(shown(attempt.member, LONGEST_ID)),
    colors.cyan('sink'.padEnd(width)),
    colors.bold(shown(attempt.sink, LONGEST_ID)),
    colors.red(`${events} ${what}`),
    shown(error, LONGEST_WHY),
    farSide === undefined ? '' : `(${shown(farSide, LONGEST_WHY)})`,
  ]);
}

/** An empty text stays empty: color codes around it would make it nonempty. */
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
