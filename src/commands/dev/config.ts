/** What `trackbridge dev` adds to a configuration. */
export interface DevAdditions {
  /** The admin listener's port, if the configuration has none. */
  readonly port: number;
  /** Used if the configuration has none. */
  readonly token: string;
}

/**
 * Returns the configuration with an admin listener that records and without workers, and everything else unchanged. Without configured
 * sinks it gets the default ones, and the terminal's filters every event: each delivery is shown as a line already.
 * That sink is not removed, or a later `serve` would deliver everything received in the meantime.
 * @param value the file's content; undefined if there is no file. A value that is not a mapping is returned unchanged,
 *   for validation to reject.
 */
export function devConfiguration(value: unknown, { port, token }: DevAdditions): unknown {
  const file = value ?? {};
  if (!isMapping(file)) return file;
  const sinks = file['sinks'] ?? {
    archive: { type: 'file', path: './data/events.ndjson' },
    terminal: { type: 'stdout', format: 'pretty', where: { percent: 0 } },
  };
  const admin = 'admin' in file ? file['admin'] : { host: '127.0.0.1', port };
  const { server } = file;
  return {
    ...file,
    ...(isMapping(server) ? { server: { ...server, workers: 1 } } : {}),
    sinks,
    admin: isMapping(admin) ? { token, record: {}, ...admin } : admin,
  };
}

/** Whether the configuration sets the admin listener's token itself. */
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
