import { TrackbridgeError } from '../errors.js';
import { checkServer, checkTable } from './postgres-check.js';
import { stateOf } from './postgres-failure.js';
import type { PostgresLayout } from './postgres-layout.js';
import { type ConnectionOptions, createPostgresPool } from './postgres-pool.js';
import { createSingleLayout } from './postgres-single.js';
import { createKnownTables, LONGEST_IDENTIFIER, type TableName } from './postgres-tables.js';
import { createWarehouseLayout } from './postgres-warehouse.js';
import { DELIVERED, type Sink, type SinkContext, type SinkEvent, type SinkType } from './sink.js';
import { compileTemplate, type Template } from './template.js';

export interface PostgresOptions extends ConnectionOptions {
  /** Templates; of an event's values only `a-z`, `0-9` and `_` get into a name. */
  readonly schema: string;
  readonly table: string;
  /** `single` keeps events as they are, `warehouse` as Segment and RudderStack write them to a warehouse. */
  readonly layout: 'single' | 'warehouse';
}

/** Characters of JSON that go in one statement: a batch of large events would not fit into one string. */
const LARGEST_STATEMENT = 8 * 1024 * 1024;

export const postgresSink: SinkType = {
  type: 'postgres',
  // The shape is what schemas/sinks/postgres.schema.json let through.
  create: (options, context) => createPostgresSink(options as unknown as PostgresOptions, context),
};

/**
 * Writes events to PostgreSQL, each once however often it comes. Throws CONFIG_INVALID where the driver is not installed
 * or the options cannot be used.
 */
export async function createPostgresSink(
  options: PostgresOptions,
  { clock }: Pick<SinkContext, 'clock'>,
): Promise<Sink> {
  const { create } = options;
  const schema = nameTemplate(options.schema, 'schema');
  const table = nameTemplate(options.table, 'table');
  const nameOf = ({ event }: SinkEvent): TableName => ({
    schema: schema(event),
    table: table(event),
  });
  const pool = await createPostgresPool(options, clock);
  const tables = createKnownTables(create);
  const layout: PostgresLayout =
    options.layout === 'warehouse'
      ? createWarehouseLayout((event) => nameOf(event).schema, tables)
      : createSingleLayout(nameOf, tables);

  return {
    // Connections and tables are made when they are needed: a server that is down must not keep the sink closed.
    open: async () => {},

    async deliver(batch, signal) {
      await pool.use(async (client) => {
        try {
          for (const part of parts(batch)) await layout.deliver(client, part);
        } catch (error) {
          // Undefined table, column or object: somebody changed it behind our back.
          if (/^42|^3F/.test(stateOf(error) ?? '')) tables.forget();
          throw error;
        }
      }, signal);
      return batch.map(() => DELIVERED);
    },

    check: () =>
      pool.use(async (client) => {
        await checkServer(client);
        const name = { schema: options.schema, table: layout.table ?? options.table };
        // Which names a template makes is not known before the events.
        if (/\{/.test(name.schema + name.table)) return;
        await checkTable(client, name, layout.shape, create);
      }, new AbortController().signal),

    close: () => pool.close(),
  };
}

/** The batch in parts that fit into a statement, in order. */
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
    const template = compileTemplate(text, (value) =>
      value.toLowerCase().replace(/[^a-z0-9_]+/g, '_'),
    );
    return (event) => template(event).slice(0, LONGEST_IDENTIFIER);
  } catch (error) {
    const problem = error instanceof TypeError ? error.message : 'cannot be used';
    throw new TrackbridgeError('CONFIG_INVALID', `${option}: ${problem}`, { cause: error });
  }
}
