import type { SegmentSourceConfig } from '../config/config.js';
import { rejectedByHead, verifyAll } from '../verify/combine.js';
import type { Verifier } from '../verify/verifier.js';
import { decodeDeliveredBody } from './delivered-body.js';
import { mergeBatch, violationsOfMerge } from './merge-batch.js';
import { exactly } from './route.js';
import type { Source } from './source.js';

const METHODS = ['POST', 'PUT', 'PATCH'];

/**
 * Segment's webhooks: the classic one (POST, one event per delivery) and the Actions ones (POST, PUT or PATCH; a batch
 * is a bare array). The Extensible Webhook wraps every element of a batch as `{"json": {…}}`.
 */
export function createSegmentSource(
  name: string,
  config: SegmentSourceConfig,
  verifiers: readonly Verifier[],
): Source {
  return {
    name,
    vendor: 'segment',
    config,
    route: exactly(config.path),
    methodsFor: () => METHODS,
    // Segment retries 5xx but not 408.
    lateBody: 'BUDGET_SPENT',
    checkSubpath: () => undefined,
    rejectedByHead: rejectedByHead(verifiers),
    verify: verifyAll(verifiers),
    decode: (delivery) => decodeDeliveredBody(delivery, mergeBatch),
    violationsOf: (_value, sent) => violationsOfMerge(sent),
  };
}
