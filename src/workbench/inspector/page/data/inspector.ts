import { type Api, createApi } from './api.js';
import { merged, withAttempts } from './deliveries.js';
import type { StreamEvent } from './event-stream.js';
import { type Connection, follow } from './live.js';
import type { DeliveryRecord, DeliverySummary, LiveEvents, LiveStats, Totals } from './wire.js';

type Hello = LiveEvents['hello'];
type LiveAttempt = LiveEvents['attempt'];

/** The page's data. Every change creates a new object. */
export interface Known {
  readonly connection: Connection;
  /** Undefined until the stream's first connection. */
  readonly hello: Hello | undefined;
  /** Newest first. */
  readonly deliveries: readonly DeliverySummary[];
  /** Whether earlier deliveries have been requested. */
  readonly isLoaded: boolean;
  /** One per second for the last ten minutes, oldest first. */
  readonly history: readonly LiveStats[];
  /** Undefined until first loaded. */
  readonly totals: Totals | undefined;
}

/** The page's model: its data, with subscriptions, and the API for everything else. */
export interface Inspector {
  readonly api: Api;
  known(): Known;
  subscribe(listener: () => void): () => void;
  /** Calls back with every attempt of a sink as it is made. */
  onAttempt(listener: (attempt: LiveAttempt) => void): () => void;
  /** Returns a delivery that arrived while the receiver recorded none. */
  held(id: string): DeliveryRecord | undefined;
  useToken(token: string): void;
  /** Loads the totals now, for example after an action on this page. */
  refresh(): void;
}

export interface InspectorOptions {
  readonly storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** From the address; replaces a stored one. */
  readonly token: string | undefined;
}

/** Seconds of statistics to keep. */
const HISTORY = 600;
/** Milliseconds between two updates of the view: nobody can read faster ones. */
const SHOWN_EVERY = 100;
/** Milliseconds between two requests for the totals. */
const TOTALS_EVERY = 5_000;
/** Earlier deliveries in one response. */
const PAGE = 500;
const MOST_PAGES = 10;
/** The most whole deliveries to keep here while the receiver records none. */
const HELD = 100;
const TOKEN = 'trackbridge.token';

export function createInspector({ storage, token }: InspectorOptions): Inspector {
  let known: Known = {
    connection: { phase: 'connecting' },
    hello: undefined,
    deliveries: [],
    isLoaded: false,
    history: [],
    totals: undefined,
  };
  const listeners = new Set<() => void>();
  const attemptListeners = new Set<(attempt: LiveAttempt) => void>();
  const held = new Map<string, DeliveryRecord>();
  const arrived = new Map<string, DeliverySummary>();
  let attempted: LiveAttempt[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let run = new AbortController();
  /** Whether to request whole deliveries from the stream: a receiver that does not record offers them nowhere else. */
  let asksForRecords = false;

  if (token !== undefined) storage.setItem(TOKEN, token);

  const change = (part: Partial<Known>): void => {
    known = { ...known, ...part };
    for (const listener of listeners) listener();
  };

  const api = createApi({
    token: () => storage.getItem(TOKEN) ?? undefined,
    onUnauthenticated() {
      const wasRefused = storage.getItem(TOKEN) !== null;
      storage.removeItem(TOKEN);
      run.abort();
      change({ connection: { phase: 'token', wasRefused } });
    },
  });

  /** Adds everything that arrived since to the list, in one update. */
  const settle = (): void => {
    timer = undefined;
    const deliveries = withAttempts(merged(known.deliveries, [...arrived.values()]), attempted);
    arrived.clear();
    attempted = [];
    change({ deliveries });
  };
  const settleSoon = (): void => {
    if (timer === undefined) timer = setTimeout(settle, SHOWN_EVERY);
  };

  const hold = (record: DeliveryRecord): void => {
    held.set(record.id, record);
    const [oldest] = held.keys();
    if (held.size > HELD && oldest !== undefined) held.delete(oldest);
  };

  const take = ({ name, data }: StreamEvent): void => {
    if (name === 'hello') greet(JSON.parse(data) as Hello);
    else if (name === 'delivery') {
      const delivery = JSON.parse(data) as DeliverySummary | DeliveryRecord;
      if ('request' in delivery) hold(delivery);
      arrived.set(delivery.id, delivery);
      settleSoon();
    } else if (name === 'attempt') {
      takeAttempt(JSON.parse(data) as LiveAttempt);
    } else if (name === 'stats') {
      change({ history: [...known.history, JSON.parse(data) as LiveStats].slice(-HISTORY) });
    }
  };

  const takeAttempt = (attempt: LiveAttempt): void => {
    for (const listener of attemptListeners) listener(attempt);
    const { deliveryId } = attempt;
    // A delivery's own message includes earlier attempts.
    if (!arrived.has(deliveryId) && !known.deliveries.some(({ id }) => id === deliveryId)) return;
    attempted.push(attempt);
    settleSoon();
  };

  const greet = (hello: Hello): void => {
    change({ hello, connection: { phase: 'live' } });
    refresh();
    if (hello.recording) void load(run.signal);
    else change({ isLoaded: true });
    if (hello.recording === asksForRecords) {
      asksForRecords = !hello.recording;
      run.abort();
      start();
    }
  };

  /** A hidden page needs no totals, and a disconnected one is already reconnecting. */
  const refresh = (): void => {
    if (known.connection.phase !== 'live' || document.hidden) return;
    api.get('api/stats').then(
      (totals) => change({ totals: totals as unknown as Totals }),
      () => undefined,
    );
  };

  /** Loads the recorded deliveries, page by page. After a failure, the next connection loads the rest. */
  const load = async (signal: AbortSignal): Promise<void> => {
    let before = '';
    for (let page = 0; page < MOST_PAGES; page++) {
      const list = await api.get(`api/deliveries?limit=${PAGE}${before}`).catch(() => undefined);
      if (signal.aborted || list === undefined) return;
      const deliveries = list as unknown as readonly DeliverySummary[];
      change({ deliveries: merged(known.deliveries, deliveries), isLoaded: true });
      const last = deliveries.at(-1);
      if (last === undefined || deliveries.length < PAGE) return;
      before = `&before=${encodeURIComponent(last.id)}`;
    }
  };

  const start = (): void => {
    run = new AbortController();
    void follow(
      api,
      `api/live?record=${asksForRecords}`,
      { connection: (connection) => change({ connection }), event: take },
      run.signal,
    );
  };
  start();
  setInterval(refresh, TOTALS_EVERY);

  return {
    refresh,
    api,
    known: () => known,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onAttempt(listener) {
      attemptListeners.add(listener);
      return () => attemptListeners.delete(listener);
    },
    held: (id) => held.get(id),
    useToken(given) {
      storage.setItem(TOKEN, given);
      run.abort();
      start();
    },
  };
}
