import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { type Cluster, startCluster } from '../../support/postgres-cluster.js';

/** A server of the test file's own, in which each store has a schema of its own. */
export interface Places {
  readonly url: () => string;
  readonly cluster: () => Cluster;
  newSchema(): string;
  query(text: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
}

/**
 * Starts a server for a test file. Others that write in the same server would hide events from readers for as long as
 * their transactions last, and creating a database takes seconds.
 */
export function postgresPlaces(): Places {
  let running: Cluster | undefined;
  let schemas = 0;
  const cluster = (): Cluster => {
    if (running === undefined) throw new Error('the server does not run yet');
    return running;
  };
  const url = (): string => `postgresql://postgres@127.0.0.1:${cluster().port}/postgres`;

  beforeAll(async () => {
    running = await startCluster();
  });
  afterAll(() => running?.dispose());

  return {
    url,
    cluster,
    newSchema: () => {
      schemas += 1;
      return `store_${schemas}`;
    },
    async query(text, values = []) {
      const client = new pg.Client({ connectionString: url() });
      await client.connect();
      try {
        return (await client.query(text, values)).rows;
      } finally {
        await client.end();
      }
    },
  };
}
