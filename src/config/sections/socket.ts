import type { JsonObject } from '../../core/json.js';
import type { Context } from '../context.js';

/** Rejects a listener with a socket and an address. Call it before defaults are filled in. */
export function refuseBoth(
  listener: JsonObject,
  pointer: string,
  { problems }: Pick<Context, 'problems'>,
): void {
  if (listener['socket'] === undefined) return;
  for (const name of ['host', 'port']) {
    if (listener[name] === undefined) continue;
    problems.add(`${pointer}/${name}`, 'conflicts with socket; remove one of them', 'key');
  }
}
