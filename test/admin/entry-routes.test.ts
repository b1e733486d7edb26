import Router from '@koa/router';
import Koa from 'koa';
import { afterEach, describe, expect, it } from 'vitest';
import { entryRoutes } from '../../src/admin/entry-routes.js';
import type { Replay } from '../../src/admin/replays.js';
import { TrackbridgeError } from '../../src/core/errors.js';
import type { EntryFilter, EntryStore } from '../../src/outbox/entries.js';
import { close, listen } from './listen.js';

interface Entry {
  readonly id: string;
  readonly name: string;
}

/** A store whose pages can be small, and which notes what it was asked. */
class FakeStore implements EntryStore<Entry> {
  readonly entries: Entry[] = [];
  readonly filters: EntryFilter[] = [];
  #lastId = 0;

  add(name: string): Entry {
    const entry = { id: `id-${String(++this.#lastId).padStart(6, '0')}`, name };
    this.entries.push(entry);
    return entry;
  }

  async list(filter: EntryFilter): Promise<readonly Entry[]> {
    this.filters.push(filter);
    return this.entries
      .filter(({ name }) => filter.name === undefined || name === filter.name)
      .filter(({ id }) => filter.after === undefined || id > filter.after)
      .slice(0, filter.limit);
  }

  async get(id: string): Promise<Entry | undefined> {
    return this.entries.find((entry) => entry.id === id);
  }

  async purge(ids: readonly string[]): Promise<number> {
    let purged = 0;
    for (const id of ids) {
      const at = this.entries.findIndex((entry) => entry.id === id);
      if (at >= 0) purged += this.entries.splice(at, 1).length;
    }
    return purged;
  }
}

afterEach(close);

async function serve(replay?: Replay<Entry>) {
  const store = new FakeStore();
  const replayed: string[] = [];
  const router = new Router();
  entryRoutes<Entry>(router, {
    path: '/entries',
    store,
    summary: ({ id }, withPayload) => ({ id, ...(withPayload ? { payload: true } : {}) }),
    detail: ({ id, name }) => ({ id, name, detail: true }),
    replay: () =>
      replay ??
      (async (entries) => {
        replayed.push(...entries.map(({ id }) => id));
        return { replayed: entries.length, errors: [] };
      }),
  });
  const app = new Koa();
  app.silent = true;
  app.use(async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      ctx.status = error instanceof TrackbridgeError ? error.status : 500;
      ctx.body = { code: (error as { code?: string }).code };
    }
  });
  app.use(router.routes());
  const url = await listen(app);
  const ask = async (path: string, init?: RequestInit): Promise<[number, unknown]> => {
    const response = await fetch(url + path, init);
    return [response.status, await response.json()];
  };
  const post = (path: string, body: unknown): Promise<[number, unknown]> =>
    ask(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return { store, replayed, ask, post };
}

describe('the list', () => {
  it('is a hundred summaries without payload, unless asked otherwise', async () => {
    const { store, ask } = await serve();
    for (let count = 0; count < 150; count++) store.add('far');
    const [status, list] = await ask('/entries');
    expect(status).toBe(200);
    expect(list).toHaveLength(100);
    expect((list as object[])[0]).toEqual({ id: 'id-000001' });
    expect(await ask('/entries?limit=1&payload=true')).toEqual([
      200,
      [{ id: 'id-000001', payload: true }],
    ]);
  });

  it('is of one name, after one id', async () => {
    const { store, ask } = await serve();
    for (const name of ['far', 'near', 'far', 'far']) store.add(name);
    expect(await ask('/entries?name=far&after=id-000001&limit=1')).toEqual([
      200,
      [{ id: 'id-000003' }],
    ]);
    expect(await ask('/entries?name=')).toEqual([200, expect.objectContaining({ length: 4 })]);
  });

  it.each(['0', '-1', '1001', '1.5', 'many', '', '1&limit=2'])(
    'has no limit of `%s`',
    async (limit) => {
      const { ask } = await serve();
      expect(await ask(`/entries?limit=${limit}`)).toEqual([400, { code: 'QUERY_MALFORMED' }]);
    },
  );
});

describe('an entry', () => {
  it('is shown whole, or a 404', async () => {
    const { store, ask } = await serve();
    const { id } = store.add('far');
    expect(await ask(`/entries/${id}`)).toEqual([200, { id, name: 'far', detail: true }]);
    for (const unknown of ['id-000009', 'replay', '%zz', '..%2f..']) {
      expect(await ask(`/entries/${unknown}`), unknown).toEqual([404, { code: 'NOT_FOUND' }]);
    }
  });
});

describe.each(['replay', 'purge'])('%s', (action) => {
  it.each([
    ['nothing', {}],
    ['a list', []],
    ['no ids', { ids: [] }],
    ['ids that are no texts', { ids: [1] }],
    ['too many ids', { ids: Array(1001).fill('id') }],
    ['ids and all', { ids: ['id-000001', 5], all: true }],
    ['all that is not true', { all: 'true' }],
    ['a name alone', { name: 'far' }],
    ['all of an empty name', { all: true, name: '' }],
    ['all of a name that is no text', { all: true, name: ['near'] }],
    ['all with what it does not know', { all: true, sink: 'near' }],
  ])('asks for a selection where it gets %s, and touches nothing', async (_what, body) => {
    const { store, post, replayed } = await serve();
    store.add('far');
    expect(await post(`/entries/${action}`, body)).toEqual([400, { code: 'BODY_MALFORMED' }]);
    expect(store.entries).toHaveLength(1);
    expect(replayed).toEqual([]);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=b'])(
    'does not take a body that a page of another site can send: %s',
    async (type) => {
      const { store, ask, replayed } = await serve();
      store.add('far');
      const body = '{"all":true}';
      const init = { method: 'POST', headers: { 'content-type': type }, body };
      expect((await ask(`/entries/${action}`, init))[0]).toBe(400);
      expect(store.entries).toHaveLength(1);
      expect(replayed).toEqual([]);
    },
  );

  it('of ids that are all unknown is a 404', async () => {
    const { post } = await serve();
    expect(await post(`/entries/${action}`, { ids: ['id-000009'] })).toEqual([
      404,
      { code: 'NOT_FOUND' },
    ]);
  });

  it('of everything is nothing where there is nothing', async () => {
    const { post } = await serve();
    expect((await post(`/entries/${action}`, { all: true }))[0]).toBe(200);
  });
});

describe('a replay', () => {
  it('is of the known ones among these ids, each once', async () => {
    const { store, post, replayed } = await serve();
    for (let count = 0; count < 3; count++) store.add('far');
    const ids = ['id-000002', 'id-000009', 'id-000002'];
    expect(await post('/entries/replay', { ids })).toEqual([
      200,
      { replayed: 1, remaining: 0, errors: [] },
    ]);
    expect(replayed).toEqual(['id-000002']);
  });

  it('of everything of one name goes page by page', async () => {
    const { store, post, replayed } = await serve();
    for (let count = 0; count < 2100; count++) store.add(count % 2 === 0 ? 'far' : 'near');
    for (let count = 0; count < 2500; count++) store.add('far');
    expect(await post('/entries/replay', { all: true, name: 'far' })).toEqual([
      200,
      { replayed: 3550, remaining: 0, errors: [] },
    ]);
    expect(new Set(replayed).size).toBe(3550);
    expect(store.filters.every(({ name, limit }) => name === 'far' && limit === 1000)).toBe(true);
  });

  it('does not go round for ever where everything fails again under a new id', async () => {
    let rounds = 0;
    const { store, post } = await serve(async (entries) => {
      if (++rounds > 10) throw new Error('for ever');
      await store.purge(entries.map(({ id }) => id));
      for (const { name } of entries) store.add(name);
      return { replayed: entries.length, errors: [] };
    });
    for (let count = 0; count < 1500; count++) store.add('far');
    expect(await post('/entries/replay', { all: true })).toEqual([
      200,
      { replayed: 1500, remaining: 0, errors: [] },
    ]);
    expect(store.entries).toHaveLength(1500);
  });

  it('tries nothing twice where everything fails and stays', async () => {
    const tried: string[] = [];
    const { store, post } = await serve(async (entries) => {
      tried.push(...entries.map(({ id }) => id));
      return { replayed: 0, errors: entries.map(({ id }) => `${id}: still not valid`) };
    });
    for (let count = 0; count < 1500; count++) store.add('far');
    const [status, answer] = await post('/entries/replay', { all: true });
    expect(status).toBe(200);
    expect(tried).toHaveLength(1500);
    // A hundred reasons are enough to see what is wrong.
    expect(answer).toMatchObject({ replayed: 0, remaining: 1500, errors: { length: 100 } });
  });
});

describe('a purge', () => {
  it('takes away what was selected, and says how many there were', async () => {
    const { store, post } = await serve();
    for (const name of ['far', 'near', 'far', 'far']) store.add(name);
    expect(await post('/entries/purge', { ids: ['id-000001', 'id-000009'] })).toEqual([
      200,
      { purged: 1 },
    ]);
    expect(await post('/entries/purge', { all: true, name: 'far' })).toEqual([200, { purged: 2 }]);
    expect(store.entries.map(({ name }) => name)).toEqual(['near']);
  });

  it('of everything takes more than a page away', async () => {
    const { store, post } = await serve();
    for (let count = 0; count < 2500; count++) store.add('far');
    expect(await post('/entries/purge', { all: true })).toEqual([200, { purged: 2500 }]);
    expect(store.entries).toEqual([]);
  });
});
