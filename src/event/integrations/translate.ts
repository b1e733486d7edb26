import type { JsonObject, JsonValue } from '../../core/json.js';
import { brandOf } from './brand.js';
import { RUDDERSTACK_ONLY, SHARED } from './destinations.js';
import { settingOf, stricter } from './setting.js';

/** An event's `integrations` under the other vendor's names. */
export interface Translated {
  readonly integrations: JsonObject;
  /** Names for which the other vendor has no known destination. */
  readonly unmapped: readonly string[];
}

type Names = ReadonlyMap<string, ReadonlySet<string>>;

const TO_RUDDERSTACK = index([
  ...SHARED.map(([rudderstack, segment]) => [[...rudderstack, ...segment], rudderstack] as const),
  ...RUDDERSTACK_ONLY.map((name) => [[name], [name]] as const),
]);
const TO_SEGMENT = index(
  SHARED.map(([rudderstack, segment]) => [[...rudderstack, ...segment], segment] as const),
);

/** The name of Segment itself in Segment's browser library. It is not a destination. */
const SEGMENT_ITSELF = 'Segment.io';

/**
 * Translates Segment's `integrations` into RudderStack's names, which RudderStack compares exactly. One destination of
 * Segment can correspond to several of RudderStack, and vice versa. A setting applies to all of them; if two settings
 * conflict, `false` wins. Names without a counterpart are passed on only if set to `false`, which can exclude a
 * destination. A `true` beside `All: false` could select a destination that nobody chose.
 */
export function integrationsToRudderstack(integrations: JsonObject): Translated {
  const { [SEGMENT_ITSELF]: _, ...chosen } = integrations;
  return translate(chosen, TO_RUDDERSTACK, (setting) => setting === false);
}

/**
 * Translates RudderStack's `integrations` into Segment's names. A name without a counterpart stays; Segment ignores it.
 */
export function integrationsToSegment(integrations: JsonObject): Translated {
  return translate(integrations, TO_SEGMENT, () => true);
}

function translate(
  integrations: JsonObject,
  known: Names,
  passesUnmapped: (setting: JsonValue) => boolean,
): Translated {
  const settings = new Map<string, JsonValue>();
  const unmapped: string[] = [];
  for (const [name, value] of Object.entries(integrations)) {
    const setting = settingOf(value);
    const names = name === 'All' ? [name] : known.get(brandOf(name));
    if (names === undefined) unmapped.push(name);
    if (names === undefined && !passesUnmapped(setting)) continue;
    for (const other of names ?? [name]) {
      const before = settings.get(other);
      settings.set(other, before === undefined ? setting : stricter(before, setting));
    }
  }
  return { integrations: Object.fromEntries(settings), unmapped };
}

/**
 * Maps every brand to the other vendor's names. Some brands are in several rows: one destination of Segment, two of
 * RudderStack.
 */
function index(rows: readonly (readonly [readonly string[], readonly string[]])[]): Names {
  const names = new Map<string, Set<string>>();
  for (const [from, to] of rows) {
    for (const brand of new Set(from.map(brandOf))) {
      const others = names.get(brand) ?? new Set();
      for (const name of to) others.add(name);
      names.set(brand, others);
    }
  }
  return names;
}
