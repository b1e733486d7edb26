import type { Command } from 'commander';
import type { CommandContext } from './io.js';
import { shelfCommand } from './shelf.js';

/** `trackbridge dead-letters`: what a sink refused for good, or for longer than `retry.giveUpAfter`. */
export function deadLettersCommand(context: CommandContext): Command {
  return shelfCommand(
    {
      name: 'dead-letters',
      description: 'operate the events that a sink did not take',
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
