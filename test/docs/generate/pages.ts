import { newestResult } from '../../../bench/report/newest.js';
import { pageRegion } from '../../../bench/report/page.js';
import { sinkTypes } from '../../../src/sinks/registry.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import { commandsReference } from './commands.js';
import {
  commonSourceOptions,
  definition,
  optionsTable,
  sinkOptions,
  sinkSchema,
} from './options.js';
import { regenerate, regionsOf, table } from './region.js';

/** The text of a generated region. Throws when no generator knows its name. */
async function regionOf(name: string): Promise<string> {
  const [kind = '', argument = ''] = name.split(' ');
  const common = commonSourceOptions();
  switch (kind) {
    case 'commands':
      return await commandsReference();
    case 'options':
      return optionsTable(definition(argument));
    case 'common-source-options':
      return optionsTable(definition('source-segment'), (option) => common.includes(option));
    case 'source':
      return described(`source-${argument}`, (option) => !common.includes(option));
    case 'scheme':
      return described(`verify-${argument}`, (option) => option !== 'scheme');
    case 'sinks':
      return sinksTable();
    case 'sink':
      return sinkOptions(argument);
    case 'performance':
      return pageRegion(newestResult(), argument, table);
    case 'metrics':
      return await metricsTable();
    default:
      throw new Error(`there is no generator "${kind}"`);
  }
}

/** The description of a definition, and the table of its options if it has any. */
function described(name: string, wanted: (option: string) => boolean): string {
  const schema = definition(name);
  const hasOptions = Object.keys(schema.properties ?? {}).some(wanted);
  return [schema.description, ...(hasOptions ? [optionsTable(schema, wanted)] : [])].join('\n\n');
}

/** Every sink type with the first sentence of its description. */
function sinksTable(): string {
  return table(
    ['Type', 'Does'],
    Object.keys(sinkTypes).map((type) => [
      `[\`${type}\`](${type}.md)`,
      String(/^.*?\.(?= |$)/.exec(sinkSchema(type).description ?? '')),
    ]),
  );
}

/** Every metric of the receiver, as its exposition describes it. */
async function metricsTable(): Promise<string> {
  const text = await createMetrics().render({ pending: 0, inQuarantine: 0, sinks: [] });
  const all = [...text.matchAll(/^# HELP (trackbridge_\S+) (.*)\n# TYPE \S+ (\S+)$/gm)];
  return table(
    ['Metric', 'Type', 'Meaning'],
    all.map(([, name, help = '', type = '']) => [`\`${name}\``, type, help]),
  );
}

/** A page as it should be. */
export async function generated(text: string): Promise<string> {
  const regions = new Map<string, string>();
  for (const name of regionsOf(text)) regions.set(name, await regionOf(name));
  return regenerate(text, (name) => regions.get(name) ?? '');
}
