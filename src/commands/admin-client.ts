import type { Command } from 'commander';
import { request } from 'undici';
import { loadConfig } from '../config/load.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { CommandContext } from './io.js';

/** The options every command has that operates a running receiver. */
export interface AdminOptions {
  readonly config?: string;
  readonly admin?: string;
  readonly token?: string;
}

export interface AdminClient {
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
}

/** Longer than any answer of the admin API takes, shorter than a person waits. */
const TIMEOUT = 30_000;

export function addAdminOptions(command: Command): Command {
  return command
    .option('--config <file>', "the receiver's configuration; its admin section is used")
    .option('--admin <url>', 'the admin listener, as in http://127.0.0.1:8081')
    .option(
      '--token <token>',
      "the receiver's admin.token, or a JSON Web Token that admin.jwt takes; others on this machine can see it, so set TRACKBRIDGE_ADMIN_TOKEN instead where they matter",
    );
}

/** Finds the running receiver. Throws CONFIG_INVALID where the options do not name one. */
export function adminClient(options: AdminOptions, context: CommandContext): AdminClient {
  const { url, token } = locate(options, context);
  return {
    get: (path) => call(url, token, 'GET', path),
    post: (path, body) => call(url, token, 'POST', path, body),
  };
}

function locate(
  options: AdminOptions,
  context: CommandContext,
): { readonly url: string; readonly token: string | undefined } {
  // On a command line others on this machine can read it; the environment is the user's own.
  const given = options.token ?? (context.env['TRACKBRIDGE_ADMIN_TOKEN'] || undefined);
  if (options.admin !== undefined) return { url: options.admin, token: given };
  if (options.config === undefined) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      'say which receiver: --config FILE (with an admin section) or --admin URL --token TOKEN',
    );
  }
  const { config } = loadConfig({
    file: options.config,
    env: context.env,
    keepSecrets: false,
  });
  if (config.admin === undefined) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `${options.config} has no admin section; add one and start the receiver with it`,
    );
  }
  const { host, port, token } = config.admin;
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const bracketed = reachable.includes(':') ? `[${reachable}]` : reachable;
  return { url: `http://${bracketed}:${port}`, token: options.token ?? token ?? given };
}

async function call(
  base: string,
  token: string | undefined,
  method: 'GET' | 'POST',
  path: string,
  body?: unknown,
): Promise<unknown> {
  let url: URL;
  try {
    url = new URL(path, base);
  } catch {
    // Without the text, which may hold a password.
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      '--admin is not a URL; give one such as http://127.0.0.1:8081',
    );
  }
  // Not fetch, which refuses ports that browsers do.
  const { statusCode, body: answer } = await request(url, {
    method,
    signal: AbortSignal.timeout(TIMEOUT),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Error(
      `no answer from the admin listener at ${url.origin}: ${reasonOf(error)}; is the receiver running, with an admin section?`,
    );
  });
  const said: unknown = await answer.json().catch(() => undefined);
  if (statusCode >= 200 && statusCode < 300) return said;
  const detail = (said as { detail?: unknown } | undefined)?.detail;
  throw new Error(`the admin listener answered ${statusCode}: ${String(detail ?? '')}`);
}

/** Node reports a host whose addresses all failed as one error without a message, and the real ones inside. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}
