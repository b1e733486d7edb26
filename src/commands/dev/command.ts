import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { type LoadedConfig, loadConfig } from '../../config/load.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { oneLine } from '../../core/printable.js';
import { createService, type Service } from '../../service/service.js';
import { createLog, type Log, type LogOutput, standardError } from '../../telemetry/log.js';
import { adminClientAt } from '../admin-client.js';
import { drainAtEnd } from '../drain-at-end.js';
import type { CommandContext } from '../io.js';
import { portOf } from '../serve.js';
import { showDeliveries } from '../tail/command.js';
import { originOf } from '../vendor-settings.js';
import { devBanner } from './banner.js';
import { devConfiguration, hasAdmin, hasToken } from './config.js';

interface DevOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly open?: true;
}

/** The inspector's port, unless the configuration sets another or the port is in use. */
const ADMIN_PORT = 8081;

/** `trackbridge dev`: runs the receiver with the inspector, for development. */
export function devCommand(context: CommandContext): Command {
  return new Command('dev')
    .description('run the receiver with the inspector and print one line per delivery')
    .option('--config <file>', 'YAML or JSON file; default: the built-in configuration')
    .option('--host <host>', 'address to listen on; overrides server.host')
    .option('--port <port>', 'port to listen on; overrides server.port; 0 picks a free port')
    .option(
      '--open',
      'open the inspector in a browser; other users of this machine can then see its token',
    )
    .addHelpText(
      'after',
      '\nUses the same data as serve: secrets, events and duplicates are shared. The inspector listens on port\n' +
        `${ADMIN_PORT}, or on a free port, and keeps the last deliveries in memory.\n` +
        '\nExample:\n  trackbridge dev --port 8080\n',
    )
    .action((options: DevOptions) => dev(options, context));
}

interface Running {
  readonly service: Service;
  readonly loaded: LoadedConfig;
  /** The token in use, and whether it was generated here. */
  readonly token: { readonly text: string; readonly made: boolean };
  readonly log: Log;
}

async function dev(options: DevOptions, context: CommandContext): Promise<void> {
  const output = standardError();
  const ending = new AbortController();
  // Runs before the drain, which must not wait for the request that shows deliveries.
  const end = (): void => ending.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const { loaded, log, service, token } = await startBeside(options, context, output);
  const { config } = loaded;
  const receiver = originOf({ ...config.server, port: service.ports.server ?? config.server.port });
  const admin = originOf({
    host: '127.0.0.1',
    ...config.admin,
    port: service.ports.admin ?? ADMIN_PORT,
  });
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
    // The receiver continues: a failure to show deliveries is no reason to lose them.
    context.err.write(`trackbridge: cannot show deliveries: ${oneLine(messageOf(error))}\n`);
  });
}

/** Starts with the inspector on its port, or on a free one if that port is in use and not configured. */
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
    // People read this terminal; a delivery's result is shown in its line.
    const log = createLog(context.env['LOG_LEVEL'] ? loaded.logLevel : 'error', output);
    for (const warning of loaded.warnings) context.err.write(`trackbridge: ${oneLine(warning)}\n`);
    const service = createService(loaded.config, { listen: true, log, reread: () => load(port) });
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

/** Whether the port in use is the admin listener's. */
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
    context.err.write(`trackbridge: cannot open a browser: ${oneLine(messageOf(error))}\n`);
  });
  child.unref();
}
