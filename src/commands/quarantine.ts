import type { Command } from 'commander';
import type { CommandContext } from './io.js';
import { shelfCommand } from './shelf.js';

/** `trackbridge quarantine`: what arrived and was no valid event. */
export function quarantineCommand(context: CommandContext): Command {
  return shelfCommand(
    {
      name: 'quarantine',
      description: 'operate the events that were not valid when they arrived',
      path: '/api/quarantine',
      by: 'source',
      columns: ['ID', 'SOURCE', 'RECEIVED', 'REASON', 'WHAT IS WRONG'],
      row: (entry) => {
        const errors = entry['errors'] as { path: string; message: string }[];
        const what = errors
          .map(({ path, message }) => `${path || '(event)'} ${message}`)
          .join('; ');
        return [entry['id'], entry['source'], entry['receivedAt'], entry['reason'], what];
      },
    },
    context,
  );
}
