import { Command } from 'commander';
import { authorize } from '../admin/authorize.js';
import { loadConfig } from '../config/load.js';
import { redactConfig } from '../config/secrets/redact.js';
import { systemClock, timeLimit, within } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { checkOutbox } from '../outbox/registry.js';
import { readListenerTls } from '../service/listener-tls.js';
import { closeSink, createSink } from '../service/sinks.js';
import { createSource } from '../sources/registry.js';
import { createLog } from '../telemetry/log.js';
import { type CommandContext, printJson } from './io.js';

interface CheckOptions {
  readonly config: string;
  readonly connect?: true;
  readonly json?: true;
}

/** `trackbridge check`: validates the configuration and, with `--connect`, tests whether its sinks are reachable. */
export function checkCommand(context: CommandContext): Command {
  return new Command('check')
    .description('validate a configuration and report every error')
    .requiredOption('--config <file>', 'configuration file to validate')
    .option('--connect', 'also connect to every sink')
    .option('--json', 'print the configuration with its defaults as JSON, secrets masked')
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
  // Everything is built even without --connect, which finds a missing schema, module or transform.
  for (const [name, source] of Object.entries(config.sources)) {
    createSource(name, source, systemClock);
  }
  authorize(config.admin ?? {}, systemClock);
  readListenerTls(config);
  if (config.telemetry?.traces !== undefined) {
    await (await import('../telemetry/traces/load.js')).loadTraceSdk();
  }
  const outbox = await checkOutbox(config.outbox, options.connect === true).catch(asError);
  let failed = false;
  const sinks: Record<string, string> = {};
  for (const [name, sinkConfig] of Object.entries(config.sinks)) {
    const spec = await createSink(name, sinkConfig, {
      clock: systemClock,
      log: createLog(logLevel),
      bridgeId: () => 'check',
      sources: Object.keys(config.sources),
    });
    try {
      if (options.connect) {
        const signal = timeLimit(sinkConfig.timeout);
        await within(spec.sink.check(), signal, () => {
          throw new Error(`no answer within ${sinkConfig.timeout} ms, its timeout`);
        });
      }
      sinks[name] = 'ok';
    } catch (error) {
      sinks[name] = messageOf(error);
      context.err.write(`trackbridge: sink ${name}: ${messageOf(error)}\n`);
      failed = true;
    } finally {
      await closeSink(spec);
    }
  }
  // Thrown last, so that problems of sinks are reported as well.
  if (outbox instanceof Error) throw outbox;
  if (failed) context.fail();
  if (options.json) {
    printJson(
      { config: redactConfig(config), warnings, ...(options.connect ? { sinks } : {}) },
      context,
    );
  } else if (!failed) {
    const connected = options.connect ? ', and every sink can be reached' : '';
    context.out.write(`${options.config} is valid${connected}\n`);
    if (outbox !== undefined) context.out.write(`outbox: ${printable(outbox)}\n`);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(messageOf(error));
}
