import type Router from '@koa/router';
import type { Context } from 'koa';
import { koaBody } from 'koa-body';
import { TrackbridgeError } from '../errors.js';
import { isObject, type JsonObject } from '../event/event.js';
import type { Shelf } from '../outbox/outbox.js';

/** How one kind of set-aside entry shows itself and is replayed. */
export interface ShelfView<Entry extends { readonly id: string }> {
  readonly path: string;
  readonly shelf: Shelf<Entry>;
  /** A line of the list: no payload unless it was asked for. */
  summary(entry: Entry, withPayload: boolean): JsonObject;
  /** Everything there is. */
  detail(entry: Entry): JsonObject;
  /** Tries these again. Resolves to how many went, and why the others did not. */
  replay(
    entries: readonly Entry[],
  ): Promise<{ readonly replayed: number; readonly errors: string[] }>;
}

const PAGE = 1000;
const DEFAULT_LIMIT = 100;

/** list, show, replay and purge for one shelf. */
export function shelfRoutes<Entry extends { readonly id: string }>(
  router: Router,
  view: ShelfView<Entry>,
): void {
  const { path, shelf } = view;
  // A form of another site cannot send this media type without asking first, which is never granted.
  const parse = koaBody({ jsonStrict: true, urlencoded: false, text: false, multipart: false });

  router.get(path, async (ctx) => {
    const entries = await shelf.list({
      ...nameOf(ctx.query['name']),
      ...(typeof ctx.query['after'] === 'string' ? { after: ctx.query['after'] } : {}),
      limit: limitOf(ctx.query['limit']),
    });
    const withPayload = ctx.query['payload'] === 'true';
    ctx.body = entries.map((entry) => view.summary(entry, withPayload));
  });

  router.get(`${path}/:id`, async (ctx) => {
    const entry = await shelf.get(String(ctx.params['id']));
    if (entry === undefined) throw notThere();
    ctx.body = view.detail(entry);
  });

  router.post(`${path}/replay`, parse, async (ctx: Context) => {
    const selection = selectionOf(ctx);
    let replayed = 0;
    const errors: string[] = [];
    for await (const entries of selected(shelf, selection)) {
      const result = await view.replay(entries);
      replayed += result.replayed;
      errors.push(...result.errors.slice(0, DEFAULT_LIMIT - errors.length));
    }
    ctx.body = { replayed, errors };
  });

  router.post(`${path}/purge`, parse, async (ctx: Context) => {
    const selection = selectionOf(ctx);
    let purged = 0;
    for await (const entries of selected(shelf, selection)) {
      purged += await shelf.purge(entries.map((entry) => entry.id));
    }
    ctx.body = { purged };
  });
}

/** These ids, or everything (of one sink or source). */
type Selection = { readonly ids: readonly string[] } | { readonly name?: string };

function selectionOf(ctx: Context): Selection {
  const body: unknown = ctx.request.body;
  if (isObject(body)) {
    const { ids, all, name, ...unknown } = body;
    if (Array.isArray(ids) && ids.length > 0 && ids.length <= PAGE && ids.every(isText)) {
      return { ids };
    }
    // What is meant to narrow the selection must never leave it whole: an empty name, a list of names, a misspelt key.
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
 * The selected entries, page by page. What all of them are is settled before anything is done to the first page: what is
 * replayed and fails again comes back under a new id, and would otherwise come round for ever.
 */
async function* selected<Entry extends { readonly id: string }>(
  shelf: Shelf<Entry>,
  selection: Selection,
): AsyncGenerator<readonly Entry[]> {
  if ('ids' in selection) {
    const found = await Promise.all([...new Set(selection.ids)].map((id) => shelf.get(id)));
    const entries = found.filter((entry) => entry !== undefined);
    if (entries.length === 0) throw notThere();
    yield entries;
    return;
  }
  const ids = new Set<string>();
  for await (const page of pages(shelf, selection)) for (const { id } of page) ids.add(id);
  for await (const page of pages(shelf, selection)) {
    const entries = page.filter(({ id }) => ids.has(id));
    // Oldest first: nothing that was there at the start comes after a page of newer ones.
    if (entries.length === 0) return;
    yield entries;
  }
}

/** Pages go by id, and the last id of one is taken before anything is done to it. */
async function* pages<Entry extends { readonly id: string }>(
  shelf: Shelf<Entry>,
  filter: { readonly name?: string },
): AsyncGenerator<readonly Entry[]> {
  let after: string | undefined;
  for (;;) {
    const page = await shelf.list({
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
  throw new TrackbridgeError('QUERY_MALFORMED', `limit is a whole number from 1 to ${PAGE}`);
}

function notThere(): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', 'there is no entry with this id; list shows the ids');
}
