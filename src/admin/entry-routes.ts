import type Router from '@koa/router';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import { TrackbridgeError } from '../core/errors.js';
import { isObject, type JsonObject } from '../core/json.js';
import type { EntryStore } from '../outbox/entries.js';
import type { Replay } from './replays.js';

/** How one kind of entry (dead letters or quarantine) is shown and replayed. */
export interface EntryView<Entry extends { readonly id: string }> {
  readonly path: string;
  readonly store: EntryStore<Entry>;
  /** Returns a line of the list. It has no payload unless the request asks for it. */
  summary(entry: Entry, withPayload: boolean): JsonObject;
  /** Returns the whole entry. */
  detail(entry: Entry): JsonObject;
  /** Begins the replay of the entries that one request selects. */
  replay(): Replay<Entry>;
}

const PAGE = 1000;
const DEFAULT_LIMIT = 100;

/** Routes to list, show, replay and purge entries. */
export function entryRoutes<Entry extends { readonly id: string }>(
  router: Router,
  view: EntryView<Entry>,
): void {
  const { path, store } = view;
  // A form of another site cannot send this media type without a preflight, and preflights are never granted.
  const parse = koaBody({ jsonStrict: true, urlencoded: false, text: false, multipart: false });

  router.get(path, async (ctx) => {
    const entries = await store.list({
      ...nameOf(ctx.query['name']),
      ...(typeof ctx.query['after'] === 'string' ? { after: ctx.query['after'] } : {}),
      limit: limitOf(ctx.query['limit']),
    });
    const withPayload = ctx.query['payload'] === 'true';
    ctx.body = entries.map((entry) => view.summary(entry, withPayload));
  });

  router.get(`${path}/:id`, async (ctx) => {
    const entry = await store.get(String(ctx.params['id']));
    if (entry === undefined) throw notThere();
    ctx.body = view.detail(entry);
  });

  router.post(`${path}/replay`, parse, async (ctx: Context) => {
    const selection = selectionOf(ctx);
    const replay = view.replay();
    let replayed = 0;
    let remaining = 0;
    const errors: string[] = [];
    for await (const entries of selected(store, selection)) {
      const result = await replay(entries);
      replayed += result.replayed;
      remaining += entries.length - result.replayed;
      errors.push(...result.errors.slice(0, DEFAULT_LIMIT - errors.length));
    }
    ctx.body = { replayed, remaining, errors };
  });

  router.post(`${path}/purge`, parse, async (ctx: Context) => {
    const selection = selectionOf(ctx);
    let purged = 0;
    for await (const entries of selected(store, selection)) {
      purged += await store.purge(entries.map((entry) => entry.id));
    }
    ctx.body = { purged };
  });
}

/** These ids, or all entries (of one sink or source). */
type Selection = { readonly ids: readonly string[] } | { readonly name?: string };

function selectionOf(ctx: Context): Selection {
  const body: unknown = ctx.request.body;
  if (isObject(body)) {
    const { ids, all, name, ...unknown } = body;
    if (Array.isArray(ids) && ids.length > 0 && ids.length <= PAGE && ids.every(isText)) {
      return { ids };
    }
    // A malformed filter must never select everything: an empty name, a list of names, a misspelled key.
    const isClear = name === undefined || (isText(name) && name !== '');
    if (all === true && ids === undefined && isClear && Object.keys(unknown).length === 0) {
      return nameOf(name);
    }
  }
  throw new TrackbridgeError(
    'BODY_MALFORMED',
    `send JSON: {"ids": ["…"]} with at most ${PAGE} ids, or {"all": true}, or {"all": true, "name": "…"}`,
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/**
 * Yields the selected entries, page by page. The whole selection is fixed before the first page is processed: an entry
 * that is replayed and fails again gets a new id, and would otherwise be selected again forever.
 */
async function* selected<Entry extends { readonly id: string }>(
  store: EntryStore<Entry>,
  selection: Selection,
): AsyncGenerator<readonly Entry[]> {
  if ('ids' in selection) {
    const found = await Promise.all([...new Set(selection.ids)].map((id) => store.get(id)));
    const entries = found.filter((entry) => entry !== undefined);
    if (entries.length === 0) throw notThere();
    yield entries;
    return;
  }
  const ids = new Set<string>();
  for await (const page of pages(store, selection)) for (const { id } of page) ids.add(id);
  for await (const page of pages(store, selection)) {
    const entries = page.filter(({ id }) => ids.has(id));
    // Pages are oldest first. A page without an entry from the start is followed only by newer ones.
    if (entries.length === 0) return;
    yield entries;
  }
}

/** Pages are read by id. The last id of a page is read before the page is processed. */
async function* pages<Entry extends { readonly id: string }>(
  store: EntryStore<Entry>,
  filter: { readonly name?: string },
): AsyncGenerator<readonly Entry[]> {
  let after: string | undefined;
  for (;;) {
    const page = await store.list({
      ...filter,
      ...(after === undefined ? {} : { after }),
      limit: PAGE,
    });
    after = page.at(-1)?.id;
    if (after === undefined) return;
    yield page;
  }
}

function nameOf(name: unknown): { readonly name?: string } {
  return isText(name) && name !== '' ? { name } : {};
}

function limitOf(limit: unknown): number {
  const number = Number(limit ?? DEFAULT_LIMIT);
  if (Number.isInteger(number) && number >= 1 && number <= PAGE) return number;
  throw new TrackbridgeError('QUERY_MALFORMED', `limit must be a whole number from 1 to ${PAGE}`);
}

function notThere(): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', 'there is no entry with this id; list shows the ids');
}
