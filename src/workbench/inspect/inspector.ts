import type { Config } from '../../config/config.js';
import type { Clock } from '../../core/clock.js';
import type { Observations } from '../../core/observe.js';
import { Live } from './live.js';
import { createMask } from './mask.js';
import type { LiveStats } from './record.js';
import { Recorder } from './recorder.js';
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
}

export interface InspectorOptions {
  readonly config: Config;
  /** Every text that must not be shown. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly observations: Observations;
  readonly readSinks: () => Promise<LiveStats['sinks']>;
  readonly onFault: (error: unknown) => void;
}

/** Builds the inspector. Without `admin.record`, deliveries are recorded only while the inspector is open. */
export function createInspector({
  clock,
  config,
  observations,
  onFault,
  readSinks,
  secrets,
}: InspectorOptions): Inspector {
  const { admin, sinks, sources } = config;
  const view = createView({
    mask: createMask(secrets),
    redact: admin?.redact ?? [],
    sources,
    sinks: Object.keys(sinks),
  });
  const live = new Live({
    clock,
    readSinks,
    view,
    onFault,
    onHeard: () => recorder.heard(),
    onUnheard: () => recorder.unheard(),
  });
  const ring = admin?.record;
  const recorder: Recorder = new Recorder({
    observations,
    audience: live,
    ...(ring === undefined ? {} : { ring }),
  });
  return {
    recorder,
    live,
    view,
    sources: Object.keys(sources),
    firstPath: Object.values(sources)[0]?.path,
    sinks: Object.keys(sinks),
  };
}
