import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { SECRET } from '../secret.js';
import { makeDirectory, type RunningServer, spawnServer } from './server.js';

/** The version of Debian's `webhook` program; undefined if it is not installed. */
export function webhookVersion(): string | undefined {
  try {
    return execFileSync('webhook', ['-version'], { encoding: 'utf8' }).trim().split(' ').at(-1);
  } catch {
    return undefined;
  }
}

/** Starts Debian's `webhook` with a hook that checks the signature and runs a script, which appends the body to a file. */
export async function startWebhook(): Promise<RunningServer> {
  const directory = makeDirectory();
  const script = join(directory, 'append.sh');
  writeFileSync(script, '#!/bin/sh\nprintf "%s\\n" "$1" >> events.ndjson\n');
  chmodSync(script, 0o755);
  const hooks = [
    {
      id: 'segment',
      'execute-command': script,
      'command-working-directory': directory,
      'pass-arguments-to-command': [{ source: 'entire-payload' }],
      // Without this, it answers before the command has run.
      'include-command-output-in-response': true,
      'trigger-rule': {
        match: {
          type: 'payload-hmac-sha1',
          secret: SECRET,
          parameter: { source: 'header', name: 'X-Signature' },
        },
      },
    },
  ];
  writeFileSync(join(directory, 'hooks.json'), JSON.stringify(hooks));
  const port = await freePort();
  const where = ['-hooks', 'hooks.json', '-ip', '127.0.0.1', '-port', String(port)];
  return await spawnServer({
    command: ['webhook', ...where, '-urlprefix', '', '-verbose'],
    listening: /serving hooks on \S+:(\d+)/,
    directory,
  });
}

/** It cannot be told to take any port that is free. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
