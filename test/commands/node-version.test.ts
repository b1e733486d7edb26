import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rejectOldNode } from '../../src/commands/node-version.js';

it.each(['20.19.0', '20.20.2', '22.0.0', '24.11.1', '100.0.0'])(
  'Node %s is accepted',
  (version) => {
    expect(rejectOldNode(version)).toBeUndefined();
  },
);

it.each(['20.18.3', '20.9.0', '18.20.8', '19.30.0', '4.2.0'])('Node %s is too old', (version) => {
  const text = rejectOldNode(version);
  expect(text).toMatch(
    /^trackbridge: needs Node 20\.19 or newer, and this is \d+\.\d+\.\d+; .*\n$/,
  );
  expect(text).toContain(version);
});

it('requires what package.json requires', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'));
  expect(engines.node).toBe('>=20.19');
});
