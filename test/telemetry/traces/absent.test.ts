import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const SRC = new URL('../../../src/', import.meta.url);
const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((each) =>
  each.endsWith('.ts'),
);

/** The imports of a module that run when it is loaded; those of types do not. */
const importsOf = (file: string): string[] =>
  [
    ...readFileSync(new URL(file, SRC), 'utf8').matchAll(
      /^(?:import|export) (?!type )[^;]*?from '([^']+)'/gm,
    ),
  ].map(([, name = '']) => name);

describe('a receiver without traces', () => {
  it('loads nothing of OpenTelemetry: no module imports it statically', () => {
    const found = files.filter((file) =>
      importsOf(file).some((name) => name.startsWith('@opentelemetry/')),
    );
    expect(found).toEqual([]);
  });

  it('loads nothing of the traces either: only they import each other statically', () => {
    const found = files.filter(
      (file) =>
        !file.startsWith('telemetry/traces/') &&
        importsOf(file).some((name) => name.includes('telemetry/traces/')),
    );
    expect(found).toEqual([]);
  });
});
