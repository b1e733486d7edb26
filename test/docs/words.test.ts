import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PAGES, ROOT, readText } from '../support/manual.js';

const SCHEMAS = readdirSync(join(ROOT, 'schemas'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .map((file) => `schemas/${file}`);

/** British spellings; both vendors write US English. */
const BRITISH =
  /\b(?:\w*colour\w*|behaviours?|honour\w*|favour\w*|licences?|catalogue|recognis\w+|normalis\w+|serializ\w+|canonicalis\w+|authoris\w+|initialis\w+|optimis\w+|summaris\w+|labelled|cancelled|whilst)\b/i;

/** Words of our own where the field has one, and what to write instead. */
const OURS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:is|are|be|was) tried again\b/i, 'retried'],
  [/\btr(?:y|ies) again\b/i, 'retry'],
  [/\bset aside\b/i, 'quarantined'],
  [/\bleft out\b/i, 'absent, omitted or optional'],
  [/\b(?:does|do) not hold\b|\bholds when\b/i, 'is invalid; passes when'],
  [/\bcomes? again\b/i, 'is redelivered'],
  [/\bdoubled\b/i, 'duplicated'],
  [/\bfor good\b/i, 'permanently; this cannot be undone'],
  [/\b(?:thrown|taken) away\b/i, 'discarded'],
  [/\bwhoever\b/i, 'anyone who'],
  [/\bput back\b/i, 'restored or requeued'],
];

const withoutCode = (text: string): string =>
  text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');

describe.each([...PAGES, 'CONTRIBUTING.md', 'SECURITY.md', ...SCHEMAS])('%s', (path) => {
  // The fault rows describe themselves in their own files.
  const text = withoutCode(readText(path)).replace(/<!-- faults:[\s\S]*?<!-- \/faults -->/, '');

  it('is spelled as both vendors spell', () => {
    expect(text.match(BRITISH)?.[0]).toBeUndefined();
  });

  it('uses the words of the field', () => {
    const found = OURS.flatMap(([pattern, better]) => {
      const match = pattern.exec(text);
      return match === null ? [] : [`"${match[0]}": write ${better}`];
    });
    expect(found).toEqual([]);
  });
});
