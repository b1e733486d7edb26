// Writes the types of the options anew, from the schemas. `npm run config-types`.
import { writeFileSync } from 'node:fs';
import { generatedTypes } from './types.js';

for (const [path, text] of generatedTypes()) {
  writeFileSync(new URL(`../../../${path}`, import.meta.url), text);
}
