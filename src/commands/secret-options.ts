import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { CommandContext } from './io.js';

export interface SecretOptions {
  readonly secret: readonly string[];
  readonly secretFile?: string;
}

/** The ways to name a shared secret; the command line is the one that others on the machine can see. */
export function addSecretOptions(command: Command): Command {
  return command
    .option(
      '--secret <secret>',
      'the shared secret, again for each further one; others on this machine can see it, so better --secret-file or TRACKBRIDGE_SECRET',
      (secret: string, before: readonly string[]) => [...before, secret],
      [],
    )
    .option('--secret-file <file>', 'a file with one secret a line');
}

/** Every secret that was named, at least one; a file's line ends belong to the file. Throws CONFIG_INVALID. */
export function secretsOf(
  { secret, secretFile }: SecretOptions,
  context: CommandContext,
): string[] {
  const fromFile =
    secretFile === undefined
      ? []
      : readInput(secretFile, '--secret-file').toString('utf8').split(/\r?\n/);
  const secrets = [...secret, ...fromFile].filter((each) => each !== '');
  const fromEnvironment = context.env['TRACKBRIDGE_SECRET'] ?? '';
  if (secrets.length === 0 && fromEnvironment !== '') secrets.push(fromEnvironment);
  if (secrets.length > 0) return secrets;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    'no secret: give --secret, --secret-file or TRACKBRIDGE_SECRET; --help shows an example',
  );
}

/** A file that an option names. Throws CONFIG_INVALID where it cannot be read. */
export function readInput(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TrackbridgeError('CONFIG_INVALID', `${option} cannot be read: ${messageOf(error)}`);
  }
}
