import type { SinkOptions } from '../../config/config.js';
import { TrackbridgeError } from '../../core/errors.js';
import { compileTemplate, isChosenBySenders, isFixed, type Template } from '../kit/template.js';
import {
  DELIVERED,
  type DeliveryResult,
  type Sink,
  type SinkContext,
  type SinkEvent,
  type SinkType,
} from '../sink.js';
import { checkServer, checkTable } from './check/check.js';
import { checkWarehouse } from './check/warehouse.js';
import { createConversions } from './convert.js';
import { stateOf } from './failure.js';
import { createKnownTables } from './known-tables.js';
import type { PostgresLayout } from './layout.js';
import { createPostgresPool } from './pool.js';
import { createSingleLayout, SINGLE_SHAPE } from './single.js';
import { LONGEST_IDENTIFIER, type TableName } from './tables.js';
import { createWarehouseLayout } from './warehouse.js';

export type PostgresOptions = SinkOptions['postgres'];

/** The most characters of JSON in one statement: a batch of large events would not fit into one string. */
const LARGEST_STATEMENT = 8 * 1024 * 1024;

export const postgresSink: SinkType<'postgres'> = {
  type: 'postgres',
  create: (options, context) => createPostgresSink(options, context),
};

/**
 * Writes events to PostgreSQL, each once however often it is delivered. Throws CONFIG_INVALID if the driver is not
 * installed or the options are invalid.
 */
export async function createPostgresSink(
  options: PostgresOptions,
  context: Pick<SinkContext, 'clock' | 'log' | 'metrics' | 'sources'>,
): Promise<Sink> {
  const { create } = options;
  const schema = nameTemplate(options.schema, 'schema');
  const table = nameTemplate(options.table, 'table');
  const nameOf = ({ event }: SinkEvent): TableName => ({
    schema: schema(event),
    table: table(event),
  });
  const pool = await createPostgresPool(options, context.clock);
  const tables = createKnownTables(options);
  const { log } = context;
  const ownTime = new AbortController().signal;
  const conversions = createConversions((work) => pool.use(work, ownTime), log);
  const chosen = isChosenBySenders(options.schema);
  const layout: PostgresLayout =
    options.layout === 'warehouse'
      ? createWarehouseLayout((event) => nameOf(event).schema, options, { tables, chosen, context })
      : createSingleLayout(nameOf, {
          ...{ tables, create, conversions, log },
          chosen: chosen || isChosenBySenders(options.table),
        });

  return {
    // Connections and tables are created when needed: a server that is down must not keep the sink closed.
    open: async () => {},

    async deliver(batch, signal) {
      const results: DeliveryResult[] = batch.map(() => DELIVERED);
      await pool.use(async (client) => {
        try {
          let from = 0;
          for (const part of parts(batch)) {
            const refused = await layout.deliver(client, part, signal);
            for (const [index, failed] of refused) results[from + index] = failed;
            from += part.length;
          }
        } catch (error) {
          // Undefined table, column or object: somebody changed it in the meantime.
          if (/^42|^3F/.test(stateOf(error) ?? '')) tables.forget();
          throw error;
        }
      }, signal);
      return results;
    },

    check: () =>
      pool.use(async (client) => {
        await checkServer(client);
        if (options.layout === 'warehouse') {
          return await checkWarehouse(client, schemasOf(options.schema, context.sources), options);
        }
        const { schema, table } = options;
        const name = { schema, table };
        // The names that a template produces are unknown before the events.
        if (!isFixed(name.schema + name.table)) return;
        await checkTable(client, name, SINGLE_SHAPE, create);
      }, new AbortController().signal),

    close: () => pool.close(),
  };
}

/** Returns the schemas that a template can produce, as far as they are known before events arrive. */
function schemasOf(template: string, sources: readonly string[] = []): readonly string[] {
  if (isFixed(template)) return [template];
  const each = sources.map((source) => template.replaceAll('{source}', clean(source)));
  return [...new Set(each)].filter(isFixed).map((name) => name.slice(0, LONGEST_IDENTIFIER));
}

/** Splits the batch into parts that fit into a statement, in order. */
function* parts(batch: readonly SinkEvent[]): Generator<readonly SinkEvent[]> {
  let part: SinkEvent[] = [];
  let size = 0;
  for (const event of batch) {
    if (size > 0 && size + event.json.length > LARGEST_STATEMENT) {
      yield part;
      part = [];
      size = 0;
    }
    part.push(event);
    size += event.json.length;
  }
  yield part;
}

function nameTemplate(text: string, option: string): Template {
  try {
    const template = compileTemplate(text, clean);
    return (event) => template(event).slice(0, LONGEST_IDENTIFIER);
  } catch (error) {
    const problem = error instanceof TypeError ? error.message : 'cannot be used';
    throw new TrackbridgeError('CONFIG_INVALID', `${option}: ${problem}`, { cause: error });
  }
}

/** Leaves of a value what can be part of a name. */
function clean(value: string): string {
  return value.toLowerCase().replace(/[^a-z0-9_]+/g, '_');
}
