/** What `trackbridge dev` adds to a configuration. */
export interface DevAdditions {
  /** Of the admin listener, where the configuration has none. */
  readonly port: number;
  /** Where the configuration has none. */
  readonly token: string;
}

/**
 * The configuration with an admin listener that records, and everything else as it is. Without sinks of its own it has the
 * default ones, of which that on the terminal is given nothing: a delivery is a line there already. It is not left out,
 * or a later `serve` would catch up with all that came meanwhile.
 *
 * @param value what the file holds; undefined where there is none. What is no mapping is returned as it is, to be refused.
 */
export function devConfiguration(value: unknown, { port, token }: DevAdditions): unknown {
  const file = value ?? {};
  if (!isMapping(file)) return file;
  const sinks = file['sinks'] ?? {
    archive: { type: 'file', path: './data/events.ndjson' },
    terminal: { type: 'stdout', format: 'pretty', where: { percent: 0 } },
  };
  const admin = 'admin' in file ? file['admin'] : { host: '127.0.0.1', port };
  return {
    ...file,
    sinks,
    admin: isMapping(admin) ? { token, record: {}, ...admin } : admin,
  };
}

/** Whether the configuration says itself who may use the admin listener's token. */
export function hasToken(value: unknown): boolean {
  return isMapping(value) && isMapping(value['admin']) && 'token' in value['admin'];
}

/** Whether it has an admin listener of its own. */
export function hasAdmin(value: unknown): boolean {
  return isMapping(value) && 'admin' in value;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
