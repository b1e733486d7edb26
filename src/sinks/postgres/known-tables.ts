import type { ClientBase } from 'pg';
import { BoundedMap } from '../kit/bounded-map.js';
import { additionsTo, type Limits, type Made, makeTable } from './create.js';
import { problemOf, readTables, type TableState } from './inspect.js';
import { nameOf, quoted, type TableName, type TableShape } from './tables.js';

/** A table to write rows to. */
export interface TableNeed {
  readonly name: TableName;
  readonly shape: TableShape;
  /** Senders choose the name. */
  readonly chosen: boolean;
  /** Whether rows are changed, not only added. */
  readonly updates: boolean;
  /** Whether a missing table is never created. */
  readonly isOptional?: boolean;
}

export interface TableOptions extends Limits {
  /** Whether to create missing tables and columns. */
  readonly create: boolean;
}

/** The most tables whose columns are remembered. Others are queried again. */
const MOST_REMEMBERED = 1_000;

/** The tables known so far. Each is queried once, and again after `forget`. */
export interface KnownTables {
  /**
   * Returns the state of each table by its quoted name, or why its rows cannot be written. Creates missing tables if
   * requested.
   */
  prepare(client: ClientBase, needs: readonly TableNeed[]): Promise<ReadonlyMap<string, Made>>;
  /** Whether a table, by its quoted name, need not be queried. */
  knows(id: string): boolean;
  /** Call it when a table has changed: somebody else altered it. */
  forget(): void;
}

export function createKnownTables(options: TableOptions): KnownTables {
  const known = new BoundedMap<string, TableState>(MOST_REMEMBERED);

  async function prepareOne(
    client: ClientBase,
    need: TableNeed,
    state: TableState | undefined,
  ): Promise<Made> {
    const { chosen, isOptional = false, name, shape, updates } = need;
    if (state === undefined && (isOptional || !options.create)) {
      return { refusal: `there is no table ${nameOf(name)}; create it, or set create: true` };
    }
    if (state !== undefined && chosen && !isOfLayout(state, shape)) {
      return {
        refusal: `${nameOf(name)} exists but does not have this layout; the sink does not write to it`,
      };
    }
    const mayMake = state === undefined || (options.create && state.owned);
    const isComplete = state !== undefined && additionsTo(state, shape, options).size === 0;
    const made: Made =
      state === undefined || (mayMake && !isComplete)
        ? await makeTable(client, name, shape, chosen, options)
        : { state };
    if ('refusal' in made) return made;
    const problem = problemOf(name, made.state, shape, updates);
    return problem === undefined ? made : { refusal: problem };
  }

  return {
    async prepare(client, needs) {
      const states = new Map<string, TableState>();
      const byKey = new Map<string, TableName[]>();
      for (const { name, shape } of needs) {
        const id = quoted(client, name);
        const state = known.get(id);
        if (state !== undefined) states.set(id, state);
        else byKey.set(shape.key, [...(byKey.get(shape.key) ?? []), name]);
      }
      for (const [key, names] of byKey) {
        for (const [id, state] of await readTables(client, names, key)) states.set(id, state);
      }
      const prepared = new Map<string, Made>();
      for (const need of needs) {
        const id = quoted(client, need.name);
        const made = await prepareOne(client, need, states.get(id));
        prepared.set(id, made);
        // A table that cannot be used is queried again, so that a fix is noticed.
        if ('state' in made) known.set(id, made.state);
        else known.delete(id);
      }
      return prepared;
    },

    knows: (id) => known.get(id) !== undefined,
    forget: () => known.clear(),
  };
}

function isOfLayout({ columns }: TableState, { marks }: TableShape): boolean {
  return marks.every((some) => some.some((column) => columns.has(column)));
}
