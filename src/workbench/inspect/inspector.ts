import type { Config } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';
import type { Observations } from '../../core/observe.js';
import type { Exchange } from '../../outbox/exchange.js';
import { Live } from './live.js';
import { createMask } from './mask.js';
import type { LiveStats } from './record.js';
import { type Audience, Recorder } from './recorder.js';
import { Outgoing } from './shared/outgoing.js';
import { Sharing } from './shared/sharing.js';
import { createView, type View } from './view.js';

/** The inspector's parts: what is recorded, the subscribers, and what may be shown. */
export interface Inspector {
  readonly recorder: Recorder;
  readonly live: Live;
  readonly view: View;
  readonly sources: readonly string[];
  /** The path of the first source; undefined if there is no source. */
  readonly firstPath: string | undefined;
  readonly sinks: readonly string[];
  /** What members that share a store tell each other; absent if this process records for itself alone. */
  readonly sharing: Sharing | undefined;
  /** The name of this member, if members share a store. */
  readonly member: string | undefined;
  /** Shows what another configuration defines, and hides its secrets as well. */
  replace(config: Config, secrets: readonly string[]): void;
}

export interface InspectorOptions {
  readonly config: Config;
  /** Every text that must not be shown. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly observations: Observations;
  readonly readSinks: () => Promise<LiveStats['sinks']>;
  readonly onFault: (error: unknown) => void;
  /** Absent if this process records for itself alone. */
  readonly exchange?: Exchange;
  /** Called with the number of deliveries and attempts that other members are not told of. */
  readonly onDropped?: (entries: number) => void;
}

/** The maximum number of texts of earlier configurations that stay hidden. */
const MOST_SECRETS = 1_000;

/** Builds the inspector. Without `admin.record`, deliveries are recorded only while the inspector is open. */
export function createInspector(options: InspectorOptions): Inspector {
  const { clock, config, exchange, observations, onFault, readSinks } = options;
  const { onDropped = () => undefined } = options;
  let hidden: readonly string[] = options.secrets;
  let shown = config;
  let current = viewOf(config, hidden);
  const view: View = {
    summary: (recording) => current.summary(recording),
    record: (recording) => current.record(recording),
    attempt: (recording, attempt) => current.attempt(recording, attempt),
    headers: (recording) => current.headers(recording),
    url: (recording) => current.url(recording),
    body: (recording, limit) => current.body(recording, limit),
    get mask() {
      return current.mask;
    },
  };
  const live = new Live({
    clock,
    readSinks,
    view,
    onFault,
    onHeard: () => {
      recorder.want('listeners', true);
      sharing?.wake();
    },
    onUnheard: () => recorder.want('listeners', false),
  });
  const ring = config.admin?.record;
  const member = exchange?.member;
  const outgoing =
    exchange &&
    new Outgoing({
      view,
      member: exchange.member,
      isWanted: () => exchange.isWatched,
      onDropped,
    });
  const recorder: Recorder = new Recorder({
    observations,
    audience: outgoing === undefined ? live : both(live, outgoing),
    ...(member !== undefined && { member }),
    ...(ring === undefined ? {} : { ring }),
  });
  const sharing: Sharing | undefined =
    exchange && outgoing && new Sharing({ exchange, recorder, live, outgoing, clock, onFault });
  return {
    recorder,
    live,
    view,
    get sources() {
      return Object.keys(shown.sources);
    },
    get firstPath() {
      return Object.values(shown.sources)[0]?.path;
    },
    get sinks() {
      return Object.keys(shown.sinks);
    },
    sharing,
    member,
    replace(next, secrets) {
      // Deliveries that are recorded already may contain the secrets of earlier configurations.
      hidden = [...new Set([...secrets, ...hidden])].slice(0, MOST_SECRETS);
      shown = next;
      current = viewOf(next, hidden);
    },
  };
}

function both(live: Live, outgoing: Outgoing): Audience {
  return {
    delivered(recording) {
      live.delivered(recording);
      outgoing.delivered(recording);
    },
    attempted(recording, attempt, isOwn) {
      live.attempted(recording, attempt);
      outgoing.attempted(recording, attempt, isOwn);
    },
    replayed: (...args) => outgoing.replayed(...args),
  };
}

function viewOf({ admin, sinks, sources }: Config, secrets: readonly string[]): View {
  return createView({
    mask: createMask(secrets),
    redact: admin?.redact ?? [],
    sources,
    sinks: Object.keys(sinks),
  });
}
