import type { Command } from 'commander';
import { Agent, type Dispatcher, request } from 'undici';
import { loadConfig } from '../config/load.js';
import { timeLimit } from '../core/clock.js';
import { messageOf, TrackbridgeError, type Violation } from '../core/errors.js';
import { HTTP, parseUrl } from '../core/url.js';
import type { CommandContext } from './io.js';
import { originOf } from './vendor-settings.js';

/** The options of every command that operates a running receiver. */
export interface AdminOptions {
  readonly config?: string;
  readonly admin?: string;
  readonly token?: string;
}

export interface AdminClient {
  /** The receiver's address, without credentials. */
  readonly origin: string;
  get(path: string): Promise<unknown>;
  post(path: string, body: unknown): Promise<unknown>;
  /** Streams a response until the server ends it, is silent for 45 seconds, or `signal` aborts. */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>;
}

/** The receiver answered with an error. */
export class AdminRefusal extends Error {
  override readonly name = 'AdminRefusal';
  readonly status: number;
  /** What is wrong with what was sent or read, if the receiver lists it. */
  readonly errors: readonly Violation[];

  constructor(status: number, detail: string, errors: readonly Violation[] = []) {
    super(`the admin listener answered ${status}: ${detail}`);
    this.status = status;
    this.errors = errors;
  }
}

/** Longer than any answer of the admin API takes, shorter than a person waits. */
const TIMEOUT = 30_000;
/** Three times the interval between a stream's keep-alive comments. */
const SILENCE = 45_000;

/** The heading of these options in `--help`. */
export const ADMIN_GROUP = 'Running receiver:';

/** Adds the options by which a command finds a running receiver. They are listed last. */
export function addAdminOptions(command: Command): Command {
  return command
    .optionsGroup(ADMIN_GROUP)
    .option('--config <file>', 'configuration file of the receiver; its admin section is used')
    .option(
      '--admin <url>',
      'URL of the admin listener, such as http://127.0.0.1:8081, or unix:/path of its socket',
    )
    .option(
      '--token <token>',
      'admin.token of the receiver, or a JSON Web Token for admin.jwt; other users of this machine can see it: prefer TRACKBRIDGE_ADMIN_TOKEN',
    );
}

/** Finds the running receiver. Throws CONFIG_INVALID if the options do not name one. */
export function adminClient(options: AdminOptions, context: CommandContext): AdminClient {
  const { url, token } = locate(options, context);
  return adminClientAt(url, token);
}

/** Returns a client for the receiver whose admin listener is at this URL. Throws CONFIG_INVALID for an invalid URL. */
export function adminClientAt(url: string, token: string | undefined): AdminClient {
  const { base, dispatcher, origin } = targetOf(url);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    origin,
    get: (path) => call({ url: new URL(path, base), origin, dispatcher }, 'GET', headers),
    post: (path, body) =>
      call({ url: new URL(path, base), origin, dispatcher }, 'POST', headers, body),
    async stream(path, signal) {
      const answer = await ask(
        { url: new URL(path, base), origin, dispatcher },
        {
          headers,
          signal,
          headersTimeout: TIMEOUT,
          bodyTimeout: SILENCE,
        },
      );
      if (answer.statusCode === 200) return answer.body;
      throw await refusal(answer);
    },
  };
}

interface Target {
  readonly url: URL;
  /** The receiver's address, as shown. */
  readonly origin: string;
  /** Connects to a Unix socket; undefined for a URL. */
  readonly dispatcher: Dispatcher | undefined;
}

/** Reads `--admin`: a URL, or `unix:` and the path of a socket. */
function targetOf(url: string): Omit<Target, 'url'> & { readonly base: URL } {
  const [, socketPath] = /^unix:(.+)$/.exec(url) ?? [];
  if (socketPath !== undefined) {
    // Without admin.token the listener accepts only requests to this machine, by their Host.
    const dispatcher = new Agent({ connect: { socketPath } });
    return { base: new URL('http://localhost'), origin: url, dispatcher };
  }
  const base = parseUrl(url, HTTP);
  if (base !== undefined) return { base, origin: base.origin, dispatcher: undefined };
  // The message omits the text, because it may hold a password.
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    '--admin must be a URL such as http://127.0.0.1:8081, or unix:/path of a socket',
  );
}

function locate(
  options: AdminOptions,
  context: CommandContext,
): { readonly url: string; readonly token: string | undefined } {
  // Other users of the machine can read command lines; the environment is private to the user.
  const given = options.token ?? (context.env['TRACKBRIDGE_ADMIN_TOKEN'] || undefined);
  if (options.admin !== undefined) return { url: options.admin, token: given };
  if (options.config === undefined) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      'select a receiver with --config FILE (with an admin section) or --admin URL --token TOKEN',
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
  const { token } = config.admin;
  return { url: originOf(config.admin), token: options.token ?? token ?? given };
}

async function call(
  target: Target,
  method: 'GET' | 'POST',
  headers: Readonly<Record<string, string>>,
  body?: unknown,
): Promise<unknown> {
  const answer = await ask(target, {
    method,
    signal: timeLimit(TIMEOUT),
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (answer.statusCode < 200 || answer.statusCode >= 300) throw await refusal(answer);
  return await answer.body.json().catch(() => undefined);
}

type Answer = Awaited<ReturnType<typeof request>>;

// fetch refuses the ports that browsers block.
async function ask(
  { dispatcher, origin, url }: Target,
  options: Parameters<typeof request>[1],
): Promise<Answer> {
  return await request(url, { ...options, ...(dispatcher && { dispatcher }) }).catch(
    (error: unknown) => {
      throw new Error(
        `no answer from the admin listener at ${origin}: ${messageOf(error)}; check that it is running with an admin section`,
      );
    },
  );
}

async function refusal({ body, statusCode }: Answer): Promise<AdminRefusal> {
  const said: unknown = await body.json().catch(() => undefined);
  const { detail, errors } = (said ?? {}) as { detail?: unknown; errors?: unknown };
  const listed = Array.isArray(errors) ? (errors as readonly Violation[]) : [];
  return new AdminRefusal(statusCode, String(detail ?? ''), listed);
}
