import type { Command } from 'commander';
import { request } from 'undici';
import { loadConfig } from '../config/load.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { CommandContext } from './io.js';
import { originOf } from './vendor-settings.js';

/** The options every command has that operates a running receiver. */
export interface AdminOptions {
  readonly config?: string;
  readonly admin?: string;
  readonly token?: string;
}

export interface AdminClient {
  /** Where it is, without credentials. */
  readonly origin: string;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  /** What comes bit by bit, until the other side ends it, falls silent for 45 seconds, or `signal` aborts. */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
}

/** The receiver is there and said no. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  readonly status: number;

  constructor(status: number, detail: string) {
    super(`the admin listener answered ${status}: ${detail}`);
    this.status = status;
  }
}

/** Longer than any answer of the admin API takes, shorter than a person waits. */
const TIMEOUT = 30_000;
/** Three times the pause between the signs of life of a stream. */
const SILENCE = 45_000;

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
  return adminClientAt(url, token);
}

/** The receiver whose admin listener is at this URL. Throws CONFIG_INVALID where it is none. */
export function adminClientAt(url: string, token: string | undefined): AdminClient {
  const base = baseOf(url);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    origin: base.origin,
    get: (path) => call(new URL(path, base), 'GET', headers),
    post: (path, body) => call(new URL(path, base), 'POST', headers, body),
    async stream(path, signal) {
      const answer = await ask(new URL(path, base), {
        headers,
        signal,
        headersTimeout: TIMEOUT,
        bodyTimeout: SILENCE,
      });
      if (answer.statusCode === 200) return answer.body;
      throw await refusal(answer);
    },
  };
}

function baseOf(url: string): URL {
  const base = URL.canParse(url) ? new URL(url) : undefined;
  // `user:password@host` parses too, and nothing can be asked below it.
  if (base !== undefined && /^https?:$/.test(base.protocol)) return base;
  // Without the text, which may hold a password.
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    '--admin is not a URL; give one such as http://127.0.0.1:8081',
  );
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
  return { url: originOf(host, port), token: options.token ?? token ?? given };
}

async function call(
  url: URL,
  method: 'GET' | 'POST',
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<unknown> {
  const answer = await ask(url, {
    method,
    signal: AbortSignal.timeout(TIMEOUT),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.statusCode < 200 || answer.statusCode >= 300) throw await refusal(answer);
  return await answer.body.json().catch(() => undefined);
}

type Answer = Awaited<ReturnType<typeof request>>;

// Not fetch, which refuses ports that browsers do.
async function ask(url: URL, options: Parameters<typeof request>[1]): Promise<Answer> {
  return await request(url, options).catch((error: unknown) => {
    throw new Error(
      `no answer from the admin listener at ${url.origin}: ${reasonOf(error)}; is the receiver running, with an admin section?`,
    );
  });
}

async function refusal({ body, statusCode }: Answer): Promise<AdminRefusal> {
  const said: unknown = await body.json().catch(() => undefined);
  const detail = (said as { detail?: unknown } | undefined)?.detail;
  return new AdminRefusal(statusCode, String(detail ?? ''));
}

/** Node reports a host whose addresses all failed as one error without a message, and the real ones inside. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}
