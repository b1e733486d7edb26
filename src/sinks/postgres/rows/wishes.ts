import { isObject, type JsonObject } from '../../../core/json.js';
import type { CanonicalEvent } from '../../../event/event.js';
import type { EventNaming } from '../naming/naming.js';

/** What an event of RudderStack asks of its warehouse, in `integrations`. */
export interface Wishes extends EventNaming {
  readonly skipUsersTable: boolean;
  readonly skipTracksTable: boolean;
  readonly jsonPaths: readonly string[];
}

const NONE: Wishes = {
  useBlendoCasing: false,
  skipReservedKeywordsEscaping: false,
  skipUsersTable: false,
  skipTracksTable: false,
  jsonPaths: [],
};

/**
 * Reads `integrations.POSTGRES.options`, and `jsonPaths` of `integrations.DATA_WAREHOUSE.options`, as RudderStack's
 * transformer does. Segment has no such options.
 */
export function wishesOf({ integrations, receipt }: CanonicalEvent): Wishes {
  if (receipt.vendor !== 'rudderstack') return NONE;
  const own = optionsOf(integrations, 'POSTGRES');
  const shared = optionsOf(integrations, 'DATA_WAREHOUSE');
  if (own === undefined && shared === undefined) return NONE;
  const isSet = (option: string): boolean => own?.[option] === true;
  return {
    useBlendoCasing: isSet('useBlendoCasing'),
    skipReservedKeywordsEscaping: isSet('skipReservedKeywordsEscaping'),
    skipUsersTable: isSet('skipUsersTable'),
    skipTracksTable: isSet('skipTracksTable'),
    jsonPaths: [...textsOf(shared?.['jsonPaths']), ...textsOf(own?.['jsonPaths'])],
  };
}

function optionsOf(integrations: unknown, name: string): JsonObject | undefined {
  const integration = isObject(integrations) ? integrations[name] : undefined;
  const options = isObject(integration) ? integration['options'] : undefined;
  return isObject(options) ? options : undefined;
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
