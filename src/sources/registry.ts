import { readFileSync } from 'node:fs';
import type { Clock } from '../clock.js';
import type { SourceConfig } from '../config/config.js';
import type { MultipartReader } from '../decode/multipart.js';
import { createSpecTypes, type SpecTypes } from '../decode/spec-types.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { isObject } from '../event/event.js';
import { createVerifier } from '../verify/registry.js';
import { createOAuth } from './oauth.js';
import { createRudderstackSource } from './rudderstack.js';
import { createSegmentSource } from './segment.js';
import type { Source } from './source.js';
import { createTrackingApiSource } from './tracking-api.js';
import { createWebhookSource } from './webhook-source.js';

/** Builds a configured source. Throws CONFIG_INVALID where its `schema` cannot be read. */
export function createSource(
  name: string,
  config: SourceConfig,
  readMultipart: MultipartReader,
  clock: Clock,
): Source {
  const verifiers = config.verify.map((scheme) => createVerifier(scheme, clock));
  switch (config.type) {
    case 'segment':
      return createSegmentSource(name, config, verifiers, readMultipart);
    case 'rudderstack':
      return createRudderstackSource(
        name,
        config,
        verifiers,
        readMultipart,
        specTypes(name, config),
      );
    case 'tracking-api':
      return createTrackingApiSource(
        name,
        config,
        config.oauth && createOAuth(name, config.oauth, config.path, clock),
      );
    case 'webhook-source':
      return createWebhookSource(name, config, readMultipart);
  }
}

/** The schema of what arrives on this source: its own file's, or the one of the vendors' specifications. */
function specTypes(
  name: string,
  config: SourceConfig,
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
