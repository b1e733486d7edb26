import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf, TrackbridgeError } from '../core/errors.js';
import type { CommandContext } from './io.js';

export interface SecretOptions {
  readonly secret: readonly string[];
  readonly secretFile?: string;
}

/** Adds the ways to pass a shared secret. Other users of the machine can see only the command line. */
export function addSecretOptions(command: Command): Command {
  return command
    .option(
      '--secret <secret>',
      'shared secret, repeatable; other users of this machine can see it: prefer --secret-file or TRACKBRIDGE_SECRET',
      (secret: string, before: readonly string[]) => [...before, secret],
      [],
    )
    .option('--secret-file <file>', 'file with one secret per line');
}

/**
 * Returns every secret that was passed, at least one. Line ends of a file are not part of its secrets. Throws
 * CONFIG_INVALID.
 */
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
    'no secret: set --secret, --secret-file or TRACKBRIDGE_SECRET; --help shows an example',
  );
}

/** Reads a file that an option names. Throws CONFIG_INVALID if it cannot be read. */
export function readInput(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new TrackbridgeError('CONFIG_INVALID', `${option} cannot be read: ${messageOf(error)}`);
  }
}
