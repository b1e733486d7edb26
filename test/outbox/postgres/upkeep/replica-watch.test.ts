import { describe, expect, it } from 'vitest';
import type { PostgresOptions } from '../../../../src/outbox/postgres/options.js';
import { ReplicaWatch } from '../../../../src/outbox/postgres/upkeep/replica-watch.js';
import { FakeClock } from '../../../dispatch/fake-clock.js';

function watched(replicas: number) {
  const clock = new FakeClock();
  const server = { standbys: '', commits: 'on' };
  const lines: string[] = [];
  const say = (_: object, line: string): void => void lines.push(line);
  let asked = 0;
  const options: PostgresOptions = {
    url: '',
    schema: 's',
    partitions: 1,
    lease: 1_000,
    durability: 'full',
    replicas,
    dedupeWindow: 1,
    maxPending: 1,
    retention: { age: 1 },
  };
  const watch = new ReplicaWatch({
    clock,
    options,
    log: { warn: say, error: say },
    database: {
      server: 'db-2:5432',
      run: async () => {
        asked += 1;
        return [server];
      },
    },
  });
  return { asked: () => asked, clock, lines, server, watch };
}

describe('the watch over the copies of events', () => {
  it('reports a promoted server that waits for no standby, each minute, and that it waits again', async () => {
    const { clock, lines, server, watch } = watched(2);
    await watch.check();
    await watch.check();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^the store at db-2:5432 .* only its own disk holds, but outbox.replicas is 2;/,
    );
    await clock.advance(60_000);
    await watch.check();
    expect(lines).toHaveLength(2);
    server.standbys = 'FIRST 1 (*)';
    await watch.check();
    await watch.check();
    expect(lines.slice(2)).toEqual(['events have enough copies again']);
  });

  it('asks nothing if one copy is enough', async () => {
    const { asked, lines, watch } = watched(1);
    await watch.check();
    expect([asked(), lines]).toEqual([0, []]);
  });
});
