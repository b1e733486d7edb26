import type { Command } from 'commander';
import type { CommandContext } from '../io.js';
import { entryCommand } from './command.js';

/** `trackbridge quarantine`: events that were not valid when they arrived. */
export function quarantineCommand(context: CommandContext): Command {
  return entryCommand(
    {
      name: 'quarantine',
      description: 'manage quarantine: events that were not valid when they arrived',
      replays: 'check entries again, and accept those that are now valid',
      path: '/api/quarantine',
      by: 'source',
      columns: ['ID', 'SOURCE', 'RECEIVED', 'REASON', 'ERRORS'],
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
