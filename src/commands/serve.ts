import { Command } from 'commander';
import { type LoadedConfig, loadConfig } from '../config/load.js';
import { TrackbridgeError } from '../errors.js';
import { createLog, standardError } from '../telemetry/log.js';
import { createService } from '../trackbridge.js';
import { drainAtEnd } from './drain-at-end.js';
import type { CommandContext } from './io.js';
import { originOf, settingsLines } from './vendor-settings.js';

interface ServeOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
}

/** `trackbridge serve`: run the receiver until SIGTERM or SIGINT. */
export function serveCommand(context: CommandContext): Command {
  return new Command('serve')
    .description('run the receiver')
    .option('--config <file>', 'YAML or JSON; without it everything has a default')
    .option('--host <host>', 'address to listen on, before server.host')
    .option('--port <port>', 'port to listen on, before server.port; 0 picks a free one')
    .addHelpText('after', '\nExample:\n  trackbridge serve --config trackbridge.yaml --port 8080\n')
    .action((options: ServeOptions) => serve(options, context));
}

async function serve(options: ServeOptions, context: CommandContext): Promise<void> {
  const loaded = loadConfig({
    ...(options.config === undefined ? {} : { file: options.config }),
    env: context.env,
    overrides: {
      ...(options.host === undefined ? {} : { host: options.host }),
      ...(options.port === undefined ? {} : { port: portOf(options.port) }),
    },
  });
  const { config } = loaded;
  const output = standardError();
  const log = createLog(loaded.logLevel, output);
  for (const warning of loaded.warnings) log.warn({}, warning);

  const service = createService(config, { listen: true, log });
  // Before the start: a signal that comes as soon as the port is open must find somebody who drains.
  const end = drainAtEnd(service, log, output);
  try {
    await service.start();
  } catch (error) {
    end.uninstall();
    throw error;
  }
  const port = service.ports.server ?? config.server.port;
  showSecrets(loaded, port, context);
  const ports = {
    port,
    ...(service.ports.admin === undefined ? {} : { adminPort: service.ports.admin }),
  };
  log.info({ host: config.server.host, ...ports }, 'listening');
}

/** `--port`, checked. Throws CONFIG_INVALID. */
export function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    `--port takes a number from 0 to 65535, not ${text}`,
  );
}

/** What a newcomer pastes into the vendors' dashboards. Only secrets made here are shown: those the operator set are known. */
function showSecrets(loaded: LoadedConfig, port: number, context: CommandContext): void {
  const made = loaded.secrets.filter((secret) => secret.origin !== 'environment');
  if (made.length === 0) return;
  const origin = originOf(loaded.config.server.host, port);
  const lines = made.flatMap(({ path, ...secret }) =>
    settingsLines({ ...secret, header: 'x-signature', url: `${origin}${path}` }),
  );
  context.err.write(
    [
      '',
      'Trackbridge made these secrets and keeps them in data/secrets.json:',
      '',
      ...lines,
      '',
      '',
    ].join('\n'),
  );
}
