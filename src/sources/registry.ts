import { readFileSync } from 'node:fs';
import type { RudderstackSourceConfig, SourceConfig } from '../config/config.js';
import type { Clock } from '../core/clock.js';
import { messageOf, TrackbridgeError } from '../core/errors.js';
import { isObject } from '../core/json.js';
import { createSpecTypes, type SpecTypes } from '../decode/query/spec-types.js';
import { createVerifier } from '../verify/registry.js';
import { createRudderstackSource } from './rudderstack.js';
import { createSegmentSource } from './segment.js';
import type { Source } from './source.js';
import { createOAuth } from './tracking-api/oauth/oauth.js';
import { createTrackingApiSource } from './tracking-api/source.js';
import { createWebhookSource } from './webhook-source/source.js';

/** Builds a configured source. Throws CONFIG_INVALID if its `schema` cannot be read. */
export function createSource(name: string, config: SourceConfig, clock: Clock): Source {
  const verifiers = config.verify.map((scheme) => createVerifier(scheme, clock));
  switch (config.type) {
    case 'segment':
      return createSegmentSource(name, config, verifiers);
    case 'rudderstack':
      return createRudderstackSource(name, config, verifiers, specTypes(name, config));
    case 'tracking-api':
      return createTrackingApiSource(
        name,
        config,
        config.oauth && createOAuth(name, config.oauth, config.path, clock),
      );
    case 'webhook-source':
      return createWebhookSource(name, config);
  }
}

/** The types of fields on this source: from its own schema file, or from the vendors' specifications. */
function specTypes(
  name: string,
  config: RudderstackSourceConfig,
): { readonly properties: SpecTypes; readonly traits: SpecTypes } {
  if (config.schema === undefined) {
    const shipped = readSchema(new URL('../../schemas/spec.schema.json', import.meta.url));
    return {
      properties: createSpecTypes(shipped, 'properties'),
      traits: createSpecTypes(shipped, 'traits'),
    };
  }
  try {
    const own = readSchema(config.schema);
    return {
      properties: createSpecTypes(own, 'properties'),
      traits: createSpecTypes(own, 'traits'),
    };
  } catch (error) {
    throw new TrackbridgeError(
      'CONFIG_INVALID',
      `sources.${name}.schema: ${config.schema} cannot be read as a JSON Schema: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

function readSchema(file: string | URL): object {
  const schema: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isObject(schema)) throw new TypeError('it is not a JSON object');
  return schema;
}
