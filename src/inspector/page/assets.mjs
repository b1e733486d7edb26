// The last step of the build: beside the page's compiled modules goes what needs no compiling.
import { copyFileSync, readdirSync } from 'node:fs';

const here = new URL('./', import.meta.url);
const target = new URL('../../../dist/inspector/page/', here);
for (const file of readdirSync(here).filter((name) => /\.(html|css|svg|txt)$/.test(name))) {
  copyFileSync(new URL(file, here), new URL(file, target));
}
// One file that imports nothing: Preact, its hooks and htm. A copy, so that the package needs no further one to run.
const standalone = import.meta.resolve('htm/preact/standalone');
copyFileSync(new URL(standalone), new URL('preact.js', target));
copyFileSync(new URL('../LICENSE', standalone), new URL('htm.LICENSE.txt', target));
