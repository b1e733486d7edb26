import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import type { Config } from '../config.js';
import type { Context } from '../context.js';
import { suggestion } from '../problems/nearest.js';
import { child } from '../problems/pointer.js';
import { readAdmin } from './admin.js';
import { readOutbox } from './outbox.js';
import { readParity } from './parity.js';
import { readServer } from './server.js';
import { readSinks } from './sinks.js';
import { readSources } from './sources.js';
import { readTelemetry } from './telemetry.js';

/**
 * Reads a section of the file with references replaced. The value is undefined if the section is omitted. Adds problems
 * to the context. The result is complete only if there was none.
 */
type Read<Section> = (value: JsonValue | undefined, context: Context) => Section | undefined;

/**
 * Every section, in reading order. `sources` is last because it may generate secrets, which requires that all others
 * are valid.
 */
const SECTIONS: { readonly [Name in keyof Config]-?: Read<NonNullable<Config[Name]>> } = {
  server: readServer,
  admin: readAdmin,
  outbox: readOutbox,
  sinks: readSinks,
  telemetry: readTelemetry,
  parity: readParity,
  sources: readSources,
};

/** Reads every section. Throws CONFIG_INVALID if any of them has a problem. */
export function readSections(file: JsonObject, context: Context): Config {
  const { problems, schemas } = context;
  const known = schemas.sections.filter((name) => !name.startsWith('$'));
  for (const key of Object.keys(file)) {
    if (schemas.sections.includes(key)) continue;
    problems.add(child('', key), `is not a known section${suggestion(key, known)}`, 'key');
  }
  const { outbox } = file;
  const isShared = isObject(outbox) && outbox['type'] === 'postgres';
  const sections = Object.entries(SECTIONS).flatMap(([name, read]) => {
    const section = read(file[name], { ...context, isShared });
    return section === undefined ? [] : [[name, section] as const];
  });
  problems.throwIfAny();
  // Without a problem, each section has the type of its row. Only `admin`, `telemetry` and `parity` may be absent.
  return Object.fromEntries(sections) as unknown as Config;
}
