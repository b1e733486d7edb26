import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { createLog, type Log, type LogOutput, standardError } from '../telemetry/log.js';
import { createService, type Trackbridge } from '../trackbridge.js';
import { adminClientAt } from './admin-client.js';
import { devBanner } from './dev-banner.js';
import { devConfiguration, hasAdmin, hasToken } from './dev-config.js';
import { drainAtEnd } from './drain-at-end.js';
import { type CommandContext, oneLine } from './io.js';
import { portOf } from './serve.js';
import { showDeliveries } from './tail.js';
import { originOf } from './vendor-settings.js';

interface DevOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly open?: true;
}

/** Where the inspector is, unless the configuration says otherwise or somebody else is there. */
const ADMIN_PORT = 8081;

/** `trackbridge dev`: the receiver with the inspector, for trying things out. */
export function devCommand(context: CommandContext): Command {
  return new Command('dev')
    .description('run the receiver with the inspector, and show what arrives')
    .option('--config <file>', 'YAML or JSON; without it everything has a default')
    .option('--host <host>', 'address to listen on, before server.host')
    .option('--port <port>', 'port to listen on, before server.port; 0 picks a free one')
    .option(
      '--open',
      'open the inspector in a browser; others on this machine can see its token then',
    )
    .addHelpText(
      'after',
      '\nThe same receiver as serve, on the same data: secrets, events and duplicates are shared with it. Beside it the\n' +
        `inspector, on port ${ADMIN_PORT} or another that is free, with the last deliveries in memory.\n` +
        '\nExample:\n  trackbridge dev --port 8080\n',
    )
    .action((options: DevOptions) => dev(options, context));
}

interface Running {
  readonly service: Trackbridge;
  readonly loaded: LoadedConfig;
  /** The token in use, and whether it was made here. */
  readonly token: { readonly text: string; readonly made: boolean };
  readonly log: Log;
}

async function dev(options: DevOptions, context: CommandContext): Promise<void> {
  const output = standardError();
  const ending = new AbortController();
  // Ahead of the drain: what shows deliveries must not be one more request that it waits for.
  const end = (): void => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const { loaded, log, service, token } = await startBeside(options, context, output);
  const { config } = loaded;
  const receiver = originOf(config.server.host, service.ports.server ?? config.server.port);
  const admin = originOf(config.admin?.host ?? '127.0.0.1', service.ports.admin ?? ADMIN_PORT);
  const id = randomBytes(4).toString('hex');
  const made = token.made ? token.text : undefined;
  context.err.write(devBanner({ loaded, receiver, admin, token: made, id }));
  log.info(service.ports, 'listening');
  if (options.open) openBrowser(made === undefined ? admin : `${admin}/#token=${made}`, context);
  await showDeliveries({
    client: adminClientAt(admin, config.admin?.token ?? token.text),
    context,
    signal: ending.signal,
    filters: {},
    last: 0,
    count: Number.POSITIVE_INFINITY,
    format: 'lines',
    save: undefined,
  }).catch((error: unknown) => {
    // The receiver goes on: that it is not watched here is no reason to lose deliveries.
    context.err.write(`trackbridge: deliveries are not shown: ${oneLine(messageOf(error))}\n`);
  });
}

/** With the inspector on its port, or on a free one where that is taken and the configuration does not ask for it. */
async function startBeside(
  options: DevOptions,
  context: CommandContext,
  output: LogOutput,
): Promise<Running> {
  const ownToken = context.env['TRACKBRIDGE_ADMIN_TOKEN'] || undefined;
  const token = ownToken ?? randomBytes(24).toString('base64url');
  let isFixed = false;
  let isGiven = ownToken !== undefined;
  const load = (port: number): LoadedConfig =>
    loadConfig({
      file: options.config,
      env: context.env,
      overrides: {
        ...(options.host === undefined ? {} : { host: options.host }),
        ...(options.port === undefined ? {} : { port: portOf(options.port) }),
      },
      amend(value) {
        isFixed = hasAdmin(value);
        isGiven ||= hasToken(value);
        return devConfiguration(value, { port, token });
      },
    });
  const start = async (port: number): Promise<Running> => {
    const loaded = load(port);
    // People read this terminal; what a delivery came to stands in its line.
    const log = createLog(context.env['LOG_LEVEL'] ? loaded.logLevel : 'error', output);
    for (const warning of loaded.warnings) context.err.write(`trackbridge: ${oneLine(warning)}\n`);
    const service = createService(loaded.config, { listen: true, log });
    const drain = drainAtEnd(service, log, output);
    try {
      await service.start();
    } catch (error) {
      drain.uninstall();
      throw error;
    }
    return { service, loaded, log, token: { text: token, made: !isGiven } };
  };
  try {
    return await start(ADMIN_PORT);
  } catch (error) {
    if (isFixed || !isTaken(error)) throw error;
    return await start(0);
  }
}

/** Whether it is the admin listener's port that somebody else has. */
function isTaken(error: unknown): boolean {
  return (
    error instanceof TrackbridgeError &&
    error.code === 'START_FAILED' &&
    (error.cause as NodeJS.ErrnoException | undefined)?.code === 'EADDRINUSE' &&
    error.message.includes('admin.port')
  );
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

function openBrowser(url: string, context: CommandContext): void {
  const [command = '', ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { detached: true, stdio: 'ignore' });
  child.once('error', (error) => {
    context.err.write(`trackbridge: no browser was opened: ${oneLine(messageOf(error))}\n`);
  });
  child.unref();
}
