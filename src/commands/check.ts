import { Command } from 'commander';
import { authorize } from '../admin/authorize.js';
import { systemClock, within } from '../clock.js';
import { loadConfig } from '../config/load.js';
import { redactConfig } from '../config/redact.js';
import { messageOf } from '../errors.js';
import { createSource } from '../sources/registry.js';
import { createLog } from '../telemetry/log.js';
import { createSink } from '../trackbridge.js';
import { type CommandContext, EXIT, printJson } from './io.js';

interface CheckOptions {
  readonly config: string;
  readonly connect?: true;
  readonly json?: true;
}

/** `trackbridge check`: is this configuration right, and with `--connect` can its sinks be reached. */
export function checkCommand(context: CommandContext): Command {
  return new Command('check')
    .description('validate a configuration; with --connect also open every sink')
    .requiredOption('--config <file>', 'the configuration to check')
    .option('--connect', 'also connect to every sink')
    .option('--json', 'the configuration with its defaults, secrets masked, as JSON')
    .addHelpText('after', '\nExample:\n  trackbridge check --config trackbridge.yaml --connect\n')
    .action((options: CheckOptions) => check(options, context));
}

async function check(options: CheckOptions, context: CommandContext): Promise<void> {
  const { config, warnings, logLevel } = loadConfig({
    file: options.config,
    env: context.env,
    keepSecrets: false,
  });
  for (const warning of warnings) context.err.write(`trackbridge: warning: ${warning}\n`);
  // Also without --connect everything is built: that finds a schema, module or transform that is not there.
  for (const [name, source] of Object.entries(config.sources)) {
    createSource(name, source, async () => ({ fields: {}, files: [] }), systemClock);
  }
  authorize(config.admin ?? {}, systemClock);
  const sinks: Record<string, string> = {};
  for (const [name, sinkConfig] of Object.entries(config.sinks)) {
    const { sink } = await createSink(name, sinkConfig, {
      clock: systemClock,
      log: createLog(logLevel),
      bridgeId: () => 'check',
    });
    try {
      if (options.connect) {
        const signal = AbortSignal.timeout(sinkConfig.timeout);
        await within(sink.check(), signal, () => {
          return new Error(`no answer within ${sinkConfig.timeout} ms, its timeout`);
        });
      }
      sinks[name] = 'ok';
    } catch (error) {
      sinks[name] = messageOf(error);
      context.err.write(`trackbridge: sink ${name}: ${messageOf(error)}\n`);
      process.exitCode = EXIT.failure;
    } finally {
      await sink.close();
    }
  }
  if (options.json) {
    printJson(
      { config: redactConfig(config), warnings, ...(options.connect ? { sinks } : {}) },
      context,
    );
  } else if (process.exitCode === undefined) {
    const connected = options.connect ? ', and every sink can be reached' : '';
    context.out.write(`${options.config} is valid${connected}\n`);
  }
}
