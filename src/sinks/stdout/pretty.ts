import type pc from 'picocolors';
import { printable } from '../../core/printable.js';
import type { CanonicalEvent } from '../../event/event.js';

export type Colors = ReturnType<typeof pc.createColors>;

// Enough to recognize an event, and short enough for a line to fit on a wide terminal.
const LONGEST_NAME = 60;
const LONGEST_ID = 40;

/**
 * Returns one event as one line for people: time received (UTC), type, event or page name, user, source, messageId, and
 * a mark if it is unauthenticated. Texts are truncated and their control characters escaped. Without a line break at
 * the end.
 */
export function prettyLine(event: CanonicalEvent, colors: Colors): string {
  const { receipt } = event;
  const parts = [
    colors.dim(shown(receipt.receivedAt, LONGEST_ID)),
    colors.cyan(shown(event.type, LONGEST_ID).padEnd(8)),
    colors.bold(nameOf(event)),
    colors.green(userOf(event)),
    colors.dim(`${shown(receipt.source, LONGEST_ID)} ${shown(event.messageId, LONGEST_ID)}`),
    receipt.authenticated ? '' : colors.yellow('[not authenticated]'),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

function nameOf(event: CanonicalEvent): string {
  const name = event['event'] ?? event['name'] ?? event['groupId'] ?? event['action'];
  return shown(name, LONGEST_NAME);
}

function userOf(event: CanonicalEvent): string {
  const user = shown(event['userId'], LONGEST_ID);
  if (user !== '') return `user ${user}`;
  const anonymous = shown(event['anonymousId'], LONGEST_ID);
  return anonymous === '' ? '' : `anonymous ${anonymous}`;
}

function shown(value: unknown, longest: number): string {
  return typeof value === 'string' ? printable(value, longest) : '';
}
