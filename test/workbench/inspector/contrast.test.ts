import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const CSS = readFileSync(
  new URL('../../../src/workbench/inspector/page/styles/colors.css', import.meta.url),
  'utf8',
).replaceAll(/\/\*.*?\*\//gs, '');

/** The custom properties of each rule, by its selector. */
const rules = [...CSS.matchAll(/(:root[^{]*)\{([^{}]*)\}/g)].map(
  ([, selector = '', body = '']) => ({
    selector: selector.trim(),
    colours: new Map(
      [...body.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [
        String(name),
        String(value),
      ]),
    ),
  }),
);
const [light, dark, chosenDark] = rules;

/** Relative luminance of WCAG 2.2. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

const TONES = ['good', 'info', 'warn', 'bad'];
type Pair = readonly [string, string];
const KINDS = ['code-key', 'code-string', 'code-number', 'code-literal'];
/** Text and what it stands on. */
const TEXTS: readonly Pair[] = [
  ...on('page', 'text', 'muted', 'accent', ...TONES, ...KINDS),
  ...on('surface', 'text', 'muted', 'accent', ...TONES),
  ...on('raised', 'text', 'muted'),
  ...on('accent-soft', 'text', 'muted', 'accent'),
  ...TONES.flatMap((tone) => on(`${tone}-soft`, tone, 'text')),
  // A line on which something is wrong.
  ...on('warn-soft', 'muted', ...KINDS),
  ...on('accent', 'on-accent'),
  ...on('bad', 'surface'),
  ...on('signed-soft', 'signed'),
];
/** Lines and edges that say something by themselves. */
const SHAPES: readonly Pair[] = on(
  'surface',
  ...['edge', 'accent', 'series-1', 'series-2', 'series-3', 'series-4'],
);

function on(ground: string, ...texts: readonly string[]): Pair[] {
  return texts.map((text) => [text, ground]);
}

describe.each([
  ['light', light],
  ['dark', dark],
])('the colours in %s', (_, rule) => {
  const colour = (name: string | undefined): string => {
    const value = rule?.colours.get(String(name));
    if (value === undefined) throw new Error(`no colour --${name}`);
    return value;
  };

  it.each(TEXTS)('are readable: %s on %s', (text, ground) => {
    expect(contrast(colour(text), colour(ground))).toBeGreaterThanOrEqual(4.5);
  });

  it.each(SHAPES)('can be told apart: %s on %s', (shape, ground) => {
    expect(contrast(colour(shape), colour(ground))).toBeGreaterThanOrEqual(3);
  });
});

it('is as dark by choice as by the system', () => {
  expect(rules.map(({ selector }) => selector)).toEqual([
    ':root',
    ':root[data-theme="auto"]',
    ':root[data-theme="dark"]',
  ]);
  expect(chosenDark?.colours).toEqual(dark?.colours);
  expect([...(light?.colours.keys() ?? [])]).toEqual([...(dark?.colours.keys() ?? [])]);
});
