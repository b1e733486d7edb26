import type { WhereConfig } from '../../config/config.js';
import { compileGlob } from '../../core/glob.js';
import { isObject } from '../../core/json.js';
import type { CanonicalEvent } from '../../event/event.js';
import { optsOutOf } from '../../event/integrations/opt-out.js';
import { placeOf } from './share.js';

export type Wanted = (event: CanonicalEvent) => boolean;

/**
 * Compiles a sink's `where` into one predicate. An event must pass every configured filter. Returns `undefined` if
 * there is no filter, so that no event is parsed only to pass.
 */
export function compileWhere(where: WhereConfig): Wanted | undefined {
  const filters: Wanted[] = [];
  if (where.sources !== undefined) {
    const sources = new Set(where.sources);
    filters.push((event) => sources.has(event.receipt.source));
  }
  if (where.types !== undefined) {
    const types = new Set(where.types);
    filters.push((event) => types.has(event.type));
  }
  if (where.events !== undefined) {
    const globs = where.events.map(compileGlob);
    // Only `event`: the `name` of a page or screen is a different thing, and `types` tells those apart.
    filters.push(({ event: name }) => typeof name === 'string' && globs.some((glob) => glob(name)));
  }
  if (where.authenticated !== undefined) {
    const { authenticated } = where;
    filters.push((event) => event.receipt.authenticated === authenticated);
  }
  if (where.integration !== undefined) {
    const optsOut = optsOutOf(where.integration);
    filters.push(({ integrations }) => !isObject(integrations) || !optsOut(integrations));
  }
  const { percent, percentFrom, by = 'userId' } = where;
  if (percent !== undefined || percentFrom !== undefined) {
    const [from, to] = [percentFrom ?? 0, percent ?? 100];
    filters.push((event) => {
      const place = placeOf(event, by);
      return place >= from && place < to;
    });
  }
  if (filters.length === 0) return undefined;
  return (event) => filters.every((passes) => passes(event));
}
