import { type Failure, fromFailure, toFailure } from '../../core/link/failure.js';
import type { Link } from '../../core/link/link.js';
import { openMessages } from '../../core/link/messages.js';
import type {
  AppendResult,
  DeliveryAnswered,
  DeliveryAppended,
  DeliveryBegan,
  JudgedEvent,
  LoadReading,
  Observations,
  ObservedDelivery,
  ObservedVerification,
  ShedReason,
  SpansEnded,
} from '../../core/observe.js';
import { RELAY } from './protocol.js';

/**
 * The maximum size of recorded bodies that wait to be sent, in bytes. Deliveries that arrive above it are counted and
 * not recorded: the inspector must not cost a worker its memory.
 */
const WAITING_BYTES = 16 * 1024 * 1024;

/**
 * The maximum number of recorded deliveries of one worker without an answer. A request of a vendor's API that brings no
 * event has none, so the oldest are forgotten.
 */
const UNANSWERED = 4_096;

/** Observations of a receiver. `key` is 0 for a delivery that is counted and not recorded. */
type Relayed =
  | readonly [
      'began',
      key: number,
      delivery: ObservedDelivery,
      head: Omit<DeliveryBegan, 'delivery'>,
    ]
  | readonly ['read', key: number, body: Uint8Array]
  | readonly ['verified', key: number, verification: ObservedVerification]
  | readonly ['judged', key: number, event: JudgedEvent]
  | readonly [
      'appended',
      key: number,
      source: string,
      counts: DeliveryAppended['counts'],
      ms: number | undefined,
      results: readonly AppendResult[],
    ]
  | readonly [
      'answered',
      key: number,
      source: string,
      outcome: DeliveryAnswered['outcome'],
      ms: number,
      answer?: RelayedAnswer,
    ]
  | readonly ['unreadable', source: string, field: string]
  | readonly ['shed', reason: ShedReason]
  | readonly ['load', reading: LoadReading]
  | readonly ['spans', ended: SpansEnded];

interface RelayedAnswer {
  readonly response: DeliveryAnswered['response'];
  readonly error: Failure | undefined;
}

/**
 * Sends what a worker observes to the primary. Everything is counted there. `record` says whether whole deliveries are
 * sent from now on.
 */
export function relayObservations(
  link: Link,
  observations: Observations,
): { record(isWanted: boolean): void } {
  const keys = new WeakMap<ObservedDelivery, number>();
  let lastKey = 0;
  let waitingBytes = 0;
  let waiting: Relayed[] = [];
  const ready = link.add({
    name: RELAY,
    take() {
      const taken = waiting;
      waiting = [];
      waitingBytes = 0;
      return taken.length === 0 ? undefined : taken;
    },
    receive: () => undefined,
    lost() {
      waiting = [];
    },
  });
  const send = (relayed: Relayed): void => {
    if (link.isLost) return;
    waiting.push(relayed);
    ready();
  };
  const keyOf = (delivery: ObservedDelivery): number => keys.get(delivery) ?? 0;

  observations.appended.subscribe(({ counts, delivery, ms, results }) => {
    const key = keyOf(delivery);
    const { accepted, duplicates, looped, quarantined } = counts;
    const plain = { accepted, duplicates, looped, quarantined };
    send(['appended', key, delivery.source, plain, ms, key === 0 ? [] : results]);
  });
  observations.answered.subscribe(({ delivery, error, ms, outcome, response }) => {
    const key = keyOf(delivery);
    keys.delete(delivery);
    if (key === 0) return send(['answered', 0, delivery.source, outcome, ms]);
    const { body, headers, status } = response;
    const answer = {
      response: { status, headers: { ...headers }, body: textOf(body) },
      error: error && toFailure(error),
    };
    send(['answered', key, delivery.source, outcome, ms, answer]);
  });
  observations.unreadable.subscribe(({ field, source }) => send(['unreadable', source, field]));
  observations.shed.subscribe(({ reason }) => send(['shed', reason]));
  observations.load.subscribe((reading) => send(['load', reading]));
  observations.spans.subscribe((ended) => send(['spans', ended]));

  const observeAll = (): readonly (() => void)[] => [
    observations.began.subscribe(({ delivery, ...head }) => {
      if (waitingBytes > WAITING_BYTES) return;
      lastKey += 1;
      keys.set(delivery, lastKey);
      send(['began', lastKey, delivery, head]);
    }),
    observations.read.subscribe(({ body, delivery }) => {
      if (keyOf(delivery) === 0) return;
      waitingBytes += body.length;
      send(['read', keyOf(delivery), Uint8Array.from(body)]);
    }),
    observations.verified.subscribe(({ delivery, verification }) => {
      if (keyOf(delivery) !== 0) send(['verified', keyOf(delivery), verification]);
    }),
    observations.judged.subscribe(({ delivery, event }) => {
      if (keyOf(delivery) !== 0) send(['judged', keyOf(delivery), event]);
    }),
  ];
  let subscriptions: readonly (() => void)[] = [];
  return {
    record(isWanted) {
      if (isWanted === subscriptions.length > 0) return;
      for (const unsubscribe of subscriptions) unsubscribe();
      subscriptions = isWanted ? observeAll() : [];
    },
  };
}

/** Publishes what a worker observes as if it had happened in this process. */
export function publishRelayed(
  link: Link,
  observations: Observations,
  onLoad: (reading: LoadReading) => void,
): void {
  const open = new Map<number, ObservedDelivery>();
  /** The delivery of a key. One that is counted only is known to nobody. */
  const of = (key: number, source = ''): ObservedDelivery => open.get(key) ?? { id: '', source };

  const publish = (relayed: Relayed): void => {
    switch (relayed[0]) {
      case 'began': {
        const [, key, { id, source }, head] = relayed;
        const delivery = { id, source };
        open.set(key, delivery);
        const [oldest = key] = open.size > UNANSWERED ? open.keys() : [];
        if (oldest !== key) open.delete(oldest);
        observations.began.publish({ delivery, ...head });
        break;
      }
      case 'read':
        observations.read.publish({ delivery: of(relayed[1]), body: Buffer.from(relayed[2]) });
        break;
      case 'verified':
        observations.verified.publish({ delivery: of(relayed[1]), verification: relayed[2] });
        break;
      case 'judged':
        observations.judged.publish({ delivery: of(relayed[1]), event: relayed[2] });
        break;
      case 'appended': {
        const [, key, source, counts, ms, results] = relayed;
        observations.appended.publish({ delivery: of(key, source), results, counts, ms });
        break;
      }
      case 'answered': {
        const [, key, source, outcome, ms, answer] = relayed;
        const { error, response = NO_RESPONSE } = answer ?? {};
        const failure = error && fromFailure(error);
        const delivery = of(key, source);
        open.delete(key);
        observations.answered.publish({ delivery, outcome, ms, response, error: failure });
        break;
      }
      case 'unreadable':
        observations.unreadable.publish({ source: relayed[1], field: relayed[2] });
        break;
      case 'shed':
        observations.shed.publish({ reason: relayed[1] });
        break;
      case 'load':
        onLoad(relayed[1]);
        break;
      case 'spans':
        observations.spans.publish(relayed[1]);
    }
  };
  openMessages<Relayed, never>(link, { name: RELAY, onMessage: publish });
}

/** Stands for the answer of a delivery that is counted only. */
const NO_RESPONSE: DeliveryAnswered['response'] = { status: 0, headers: {}, body: undefined };

/** Returns a body that can be sent: a text, or bytes. */
function textOf(body: unknown): unknown {
  if (body === undefined || body === null || typeof body === 'string') return body;
  return body instanceof Uint8Array ? Uint8Array.from(body) : JSON.stringify(body);
}
