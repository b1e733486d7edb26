import { expect, it } from 'vitest';
import { sectionTable } from '../../../bench/report/table.js';
import { exactly, LINE } from './samples.js';

it('aligns the columns and judges every target', () => {
  const bare = { name: 'bare', figures: { events: exactly(15_351) } };
  const section = { name: 'servers', seconds: 1, errors: ['webhook: exit 2'], notes: [] };
  expect(sectionTable({ ...section, lines: [bare, LINE] }).split('\n')).toEqual([
    '                           events/s                ratio  p50 ms  p99 ms  p99.9 ms',
    'bare                         15,351',
    'Trackbridge  7,276 (7,100 to 7,300)  0.46 (0.45 to 0.47)     2.0    12.9      30.0',
    'Trackbridge: ratio at least 0.75: missed',
    'Trackbridge: p99 ms at most 25.0: met',
    'Trackbridge: resident MB at most 150: not measured',
    '! webhook: exit 2',
  ]);
});
