import { Command, Option } from 'commander';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { TrackbridgeError } from '../core/errors.js';
import type { Role } from '../outbox/role.js';
import { createService } from '../service/service.js';
import { createLog, standardError } from '../telemetry/log.js';
import { drainAtEnd } from './drain-at-end.js';
import type { CommandContext } from './io.js';
import { reloadOnHangup, withKnownSecrets } from './reload-on-hangup.js';
import { originOf, settingsLines } from './vendor-settings.js';

interface ServeOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly role?: Role;
}

/** `trackbridge serve`: runs the receiver until SIGTERM or SIGINT. */
export function serveCommand(context: CommandContext): Command {
  return new Command('serve')
    .description('run the receiver until SIGTERM or SIGINT')
    .option('--config <file>', 'YAML or JSON file; default: the built-in configuration')
    .option('--host <host>', 'address to listen on; overrides server.host')
    .option('--port <port>', 'port to listen on; overrides server.port; 0 picks a free port')
    .addOption(
      new Option(
        '--role <role>',
        'what this process does with a shared store: receive deliveries, dispatch events to the sinks, or all',
      )
        .choices(['receive', 'dispatch', 'all'])
        .default('all'),
    )
    .addHelpText(
      'after',
      '\nExits with 0 after draining, and with 2 if the configuration is not valid.\n' +
        '\nExample:\n  trackbridge serve --config trackbridge.yaml --port 8080\n',
    )
    .action((options: ServeOptions) => serve(options, context));
}

async function serve(options: ServeOptions, context: CommandContext): Promise<void> {
  const load = (keepSecrets: boolean): LoadedConfig =>
    loadConfig({
      file: options.config,
      env: context.env,
      keepSecrets,
      overrides: {
        ...(options.host === undefined ? {} : { host: options.host }),
        ...(options.port === undefined ? {} : { port: portOf(options.port) }),
      },
    });
  const loaded = load(true);
  const reread = options.config === undefined ? undefined : () => withKnownSecrets(load(false));
  const { config } = loaded;
  const output = standardError();
  const log = createLog(loaded.logLevel, output);
  for (const warning of loaded.warnings) log.warn({}, warning);

  const service = createService(config, {
    listen: true,
    log,
    ...(options.role === undefined ? {} : { role: options.role }),
    writeLogLine: (line) => output.write(line),
    ...(reread === undefined ? {} : { reread }),
  });
  // Installed before the start, so that a signal that arrives as soon as the port is open causes a drain.
  const end = drainAtEnd(service, log, output, ['SIGHUP']);
  reloadOnHangup(service, reread, log);
  try {
    await service.start();
  } catch (error) {
    end.uninstall();
    throw error;
  }
  const adminPort = service.ports.admin === undefined ? {} : { adminPort: service.ports.admin };
  if (options.role === 'dispatch') {
    log.info(adminPort, 'delivering');
    return;
  }
  const port = service.ports.server ?? config.server.port;
  showSecrets(loaded, port, context);
  const ports = { port, ...adminPort };
  const { host, socket } = config.server;
  log.info(socket === undefined ? { host, ...ports } : { socket, ...adminPort }, 'listening');
}

/** Validates `--port`. Throws CONFIG_INVALID. */
export function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `--port must be a number from 0 to 65535, not ${text}`,
  );
}

/**
 * Prints what to paste into the vendors' dashboards. Only secrets generated here are shown; the operator knows the
 * others.
 */
function showSecrets(loaded: LoadedConfig, port: number, context: CommandContext): void {
  const made = loaded.secrets.filter((secret) => secret.origin !== 'environment');
  if (made.length === 0) return;
  const origin = originOf({ ...loaded.config.server, port });
  const lines = made.flatMap(({ path, ...secret }) =>
    settingsLines({ ...secret, header: 'x-signature', url: `${origin}${path}` }),
  );
  context.err.write(
    [
      '',
      'Trackbridge generated these secrets and stores them in data/secrets.json:',
      '',
      ...lines,
      '',
      '',
    ].join('\n'),
  );
}
