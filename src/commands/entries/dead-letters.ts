import type { Command } from 'commander';
import type { CommandContext } from '../io.js';
import { entryCommand } from './command.js';

/** `trackbridge dead-letters`: events that a sink rejected, or that were given up after `retry.giveUpAfter`. */
export function deadLettersCommand(context: CommandContext): Command {
  return entryCommand(
    {
      name: 'dead-letters',
      description:
        'manage dead letters: events that a sink rejected, or that were retried for too long',
      replays: 'requeue dead letters for their sinks',
      path: '/api/dead-letters',
      by: 'sink',
      columns: ['ID', 'SINK', 'GIVEN UP', 'TYPE', 'MESSAGE ID', 'ATTEMPTS', 'LAST ERROR'],
      row: (entry) => [
        entry['id'],
        entry['sink'],
        entry['at'],
        entry['type'],
        entry['messageId'],
        entry['attemptCount'],
        entry['error'],
      ],
    },
    context,
  );
}
