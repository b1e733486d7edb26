import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { codeIn, section, tableOf } from '../support/markdown.js';
import type { Row, RowOutcome } from './row.js';
import { ROWS } from './rows.js';
import { forTerminal, holds, type Result, writeInto } from './table.js';

const PAGE = readFileSync(new URL('../../docs/faults-and-guarantees.md', import.meta.url), 'utf8');
const GOOD: RowOutcome = {
  sent: 1234,
  answered200: 1000,
  delivered: 1001,
  lost: 0,
  duplicated: 2,
  longestAnswerMs: 4503,
  problems: [],
  notes: [],
};
const resultOf = (name: string, more: Partial<RowOutcome> = {}): Result => {
  const row: Row = { name, fault: 'it breaks', mustHold: 'it holds', run: async () => GOOD };
  return { row, outcome: { ...GOOD, ...more }, tookMs: 1500 };
};
const EMPTY = PAGE.replace(
  /(<!-- faults: [^>]* -->)[\s\S]*?(<!-- \/faults -->)/,
  (_, start, end) => `${start}\n\n${end}`,
);

describe('a row of the fault matrix', () => {
  it('holds where nothing is lost and there is no problem', () => {
    expect(holds(GOOD)).toBe(true);
    expect(holds({ ...GOOD, lost: 1 })).toBe(false);
    expect(holds({ ...GOOD, problems: ['late'] })).toBe(false);
  });

  it('is a line of figures, with what did not hold', () => {
    const text = forTerminal([resultOf('good'), resultOf('bad', { problems: ['it was late'] })]);
    const [, good, bad, problem] = text.split('\n');
    expect(good).toMatch(/^good +1234 +1000 +1001 +0 +2 +4503 ms +1\.5 s +holds$/);
    expect(bad).toMatch(/DOES NOT HOLD$/);
    expect(problem).toBe('  ! it was late');
  });

  it('is written into its place of the table, beside those that were not run', () => {
    const both = writeInto(EMPTY, [resultOf('one'), resultOf('two', { lost: 1 })], ['one', 'two']);
    const again = writeInto(both, [resultOf('two', { notes: ['so'] })], ['two', 'one']);
    const rows = tableOf(section(again, 'Fault tests'));
    expect(rows.map(([name]) => name)).toEqual(['`two`', '`one`']);
    expect(rows[0]).toEqual([
      '`two`',
      'it breaks (so): it holds',
      ...['1,234', '1,000', '1,001', '0', '2', '4,503 ms', 'holds'],
    ]);
    expect(tableOf(section(both, 'Fault tests'))[1]?.at(-1)).toContain('does not hold');
    expect(tableOf(section(writeInto(again, [], ['one']), 'Fault tests'))).toHaveLength(1);
  });
});

describe('the manual’s table of faults', () => {
  const rows = tableOf(section(PAGE, 'Fault tests'));

  it('has exactly the rows there are, as they describe themselves', () => {
    expect(rows.map(([name]) => codeIn(String(name))[0])).toEqual(ROWS.map(({ name }) => name));
    for (const [index, { fault, mustHold }] of ROWS.entries()) {
      expect(rows[index]?.[1]).toContain(fault);
      expect(rows[index]?.[1]).toContain(mustHold);
    }
  });

  it('shows a run in which nothing was lost and every row held', () => {
    for (const row of rows) {
      expect(row[5], row[0]).toBe('0');
      expect(row[8], row[0]).toBe('holds');
    }
  });
});
