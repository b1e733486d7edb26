import { isObject, type JsonObject } from '../../core/json.js';
import { brandOf } from './brand.js';
import { SHARED } from './destinations.js';
import { settingOf } from './setting.js';

/**
 * Compiles a test for whether an event's `integrations` exclude a destination: by `false` under any of its names at
 * either vendor, or by `All: false` if none of its names is enabled. Compile it once per destination.
 */
export function optsOutOf(destination: string): (integrations: JsonObject) => boolean {
  const brands = brandsOf(destination);
  return (integrations) => {
    let enabled = settingOf(integrations['All'] ?? true) !== false;
    for (const [name, value] of Object.entries(integrations)) {
      if (name === 'All' || !brands.has(brandOf(name))) continue;
      const setting = settingOf(value);
      if (setting === false) return true;
      if (setting === true || isObject(setting)) enabled = true;
    }
    return !enabled;
  };
}

/** Returns the brand of a name and the brands of all other names of the same destination. */
function brandsOf(name: string): ReadonlySet<string> {
  const own = brandOf(name);
  const rows = SHARED.map((row) => row.flat().map(brandOf)).filter((row) => row.includes(own));
  return new Set([own, ...rows.flat()]);
}
