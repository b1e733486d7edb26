import { compileGlob } from '../../core/glob.js';
import { isObject } from '../../core/json.js';
import type { ReplayFilter } from './replays.js';

/**
 * Compiles what a filter says about the content of events, as JSON text. Times are columns, which the engines compare
 * themselves. Returns undefined if every event matches, so that none is parsed only to pass.
 */
export function compileFilter(filter: ReplayFilter): ((json: string) => boolean) | undefined {
  const { events, sources, types, users } = filter;
  if (!events && !sources && !types && !users) return undefined;
  const globs = events?.map(compileGlob);
  const isIn = (list: readonly string[] | undefined, value: unknown): boolean =>
    list === undefined || (typeof value === 'string' && list.includes(value));
  return (json) => {
    const event: unknown = JSON.parse(json);
    if (!isObject(event)) return false;
    const { anonymousId, event: name, receipt, type, userId } = event;
    return (
      isIn(types, type) &&
      isIn(sources, isObject(receipt) ? receipt['source'] : undefined) &&
      (isIn(users, userId) || isIn(users, anonymousId)) &&
      (globs === undefined || (typeof name === 'string' && globs.some((glob) => glob(name))))
    );
  };
}
