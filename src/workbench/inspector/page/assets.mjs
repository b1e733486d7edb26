// The last step of the build: copies what needs no compiling beside the page's compiled modules.
import { copyFileSync, cpSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('./', import.meta.url));
const target = new URL('../../../../dist/workbench/inspector/page/', import.meta.url);
cpSync(here, fileURLToPath(target), {
  recursive: true,
  filter: (file) => statSync(file).isDirectory() || /\.(html|css|svg|txt)$/.test(file),
});
// One file that imports nothing: Preact, its hooks and htm. It is copied, so that the package has no dependency for it.
const standalone = import.meta.resolve('htm/preact/standalone');
copyFileSync(new URL(standalone), new URL('preact.js', target));
copyFileSync(new URL('../LICENSE', standalone), new URL('htm.LICENSE.txt', target));
