import { readFileSync } from 'node:fs';
import type { SourceConfig } from '../config/config.js';
import type { MultipartReader } from '../decode/multipart.js';
import { createSpecTypes } from '../decode/spec-types.js';
import { messageOf, TrackbridgeError } from '../errors.js';
import { createVerifier } from '../verify/registry.js';
import { createRudderstackSource } from './rudderstack.js';
import { createSegmentSource } from './segment.js';
import type { Source } from './source.js';

/** Builds a configured source. Throws CONFIG_INVALID where its `schema` cannot be read. */
export function createSource(
  name: string,
  config: SourceConfig,
  readMultipart: MultipartReader,
): Source {
  const verifiers = config.verify.map(createVerifier);
  switch (config.type) {
    case 'segment':
      return createSegmentSource(name, config, verifiers, readMultipart);
    case 'rudderstack':
      return createRudderstackSource(name, config, verifiers, readMultipart, specTypes(name, config));
  }
}
