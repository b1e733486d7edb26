import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import { Live } from './live.js';
import { createMask } from './mask.js';
import type { LiveStats } from './record.js';
import { Recorder } from './recorder.js';
import { createView, type View } from './view.js';

/** The inspector's parts: what is recorded, who listens, and what may be shown. */
export interface Inspector {
  readonly recorder: Recorder;
  readonly live: Live;
  readonly view: View;
  readonly sources: readonly string[];
  /** The path that deliveries for the first source go to; undefined where there is no source. */
  readonly firstPath: string | undefined;
  readonly sinks: readonly string[];
}

export interface InspectorOptions {
  readonly config: Config;
  /** Every text that must not be shown. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly readSinks: () => Promise<LiveStats['sinks']>;
  readonly onFault: (error: unknown) => void;
}

/** Puts the inspector together; nothing runs or is recorded before somebody listens, but for `admin.record`. */
export function createInspector({
  clock,
  config,
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
  const live = new Live({ clock, readSinks, view, onFault, onUnheard: () => recorder.unheard() });
  const ring = admin?.record;
  const recorder: Recorder = new Recorder({
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
