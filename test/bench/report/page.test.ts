import { describe, expect, it } from 'vitest';
import { pageRegion } from '../../../bench/report/page.js';
import { table } from '../../docs/generate/region.js';
import { RESULT } from './samples.js';

const region = (name: string): string => pageRegion(RESULT, name, table);

describe('the page of a result', () => {
  it('describes the machine', () => {
    expect(region('machine')).toBe(
      'Measured on 2026-11-30 at commit `abcdef0`: A processor, 2 cores, 24 GB of memory, Linux 6.1, Node 20.20.2, ext4. ' +
        'A write of 4 kB with fdatasync took 0.31 ms (p99 0.71 ms). 5 rounds of 12,000 requests per line.',
    );
  });

  it('lists every target with what was measured', () => {
    expect(region('targets').split('\n').slice(2)).toEqual([
      '| servers: Trackbridge | ratio at least 0.75 | 0.46 (0.45 to 0.47) | **missed** |',
      '| servers: Trackbridge | p99 ms at most 25.0 | 12.9 | met |',
      '| servers: Trackbridge | resident MB at most 150 | ? | not measured |',
    ]);
  });

  it('has the columns that were measured, with the range where it matters, and the notes', () => {
    expect(region('servers').split('\n')).toEqual([
      '|  | events/s | ratio | p50 ms | p99 ms | p99.9 ms |',
      '|---|---|---|---|---|---|',
      '| Trackbridge | 7,276 (7,100 to 7,300) | 0.46 (0.45 to 0.47) | 2.0 | 12.9 | 30.0 |',
      '',
      'A note.',
    ]);
  });

  it('says what could not be measured', () => {
    expect(region('shapes')).toBe('Not measured: bare: exit 1');
    expect(region('memory')).toBe('The newest result does not contain this section.');
  });
});
