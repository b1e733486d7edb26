// Writes the generated parts of the manual anew: options from the schemas, commands from the program, tables and charts
// from the newest result of the benchmark. `npm run docs`.
import { writeFileSync } from 'node:fs';
import { charts } from '../../../bench/report/charts.js';
import { newestResult } from '../../../bench/report/newest.js';
import { PAGES, ROOT, readText } from '../../support/manual.js';
import { DASHBOARD, dashboard } from './dashboard.js';
import { MAN_PAGE, manPage } from './man.js';
import { generated } from './pages.js';

for (const path of PAGES) {
  const text = readText(path);
  const fresh = await generated(text);
  if (fresh === text) continue;
  writeFileSync(`${ROOT}${path}`, fresh);
  process.stdout.write(`${path}\n`);
}

writeFileSync(`${ROOT}${MAN_PAGE}`, await manPage());
writeFileSync(`${ROOT}${DASHBOARD}`, dashboard());

for (const [name, svg] of charts(newestResult())) {
  writeFileSync(`${ROOT}docs/images/performance/${name}`, svg);
}
