import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedTypes } from '../generate/types.js';

describe('the types of options', () => {
  it.each([...generatedTypes()])('in %s are those of the schemas', (path, text) => {
    const there = readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
    // Otherwise: npm run config-types
    expect(there).toBe(text);
  });

  it('have an option for certain where it has a default or is required, and numbers for units', () => {
    const config = generatedTypes().get('src/config/generated/options.ts') ?? '';
    expect(config).toContain('  readonly port: number;\n');
    expect(config).toContain('  readonly token?: string;\n');
    expect(config).toContain("  readonly 'source-tracking-api': SourceTrackingApiOptions;\n");
    expect(config).toMatch(/dedupeWindow: number;/);
  });
});
