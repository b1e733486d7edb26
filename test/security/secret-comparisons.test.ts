import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { secretComparisons } from './secret-comparisons.js';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));

/** Where the operator's text is compared with itself, as while the configuration is read: nobody else has a say in it. */
const OPERATORS_OWN = [
  "commands/send/command.ts: ([name, value]) => [name, value === secret ? '***' : value] as const,",
  "config/sections/verify.ts: if (secret.trim() !== secret) warn(context, pointer, 'begins or ends with whitespace');",
  "verify/compare.ts: const differs = latin1.toString('latin1') === secret && !latin1.equals(utf8);",
];

describe('a secret', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|js)$/.test(file))
    .sort();

  it('is compared in constant time wherever the sources compare one', () => {
    expect(files.length).toBeGreaterThan(100);
    const places = files.flatMap((file) =>
      secretComparisons(readFileSync(`${SRC}${file}`, 'utf8')).map((line) => `${file}: ${line}`),
    );
    expect(places).toEqual(OPERATORS_OWN);
  });

  it('is compared by two functions, which are built on the one that Node has for it', () => {
    const users = files.filter((file) =>
      readFileSync(`${SRC}${file}`, 'utf8').includes('timingSafeEqual'),
    );
    expect(users).toEqual(['verify/compare.ts']);
  });
});

describe('the search', () => {
  it.each([
    'if (token === given) return true;',
    'return given !== config.token;',
    'const same = header == this.#secret;',
    'if (request.headers.authorization === expected) next();',
    'if (bearer === sent) pass();',
    'if (computedSignature === sent) pass();',
    'if (hmac.digest() === signature) pass();',
    'return secrets.includes(candidate);',
    'return config.secrets.has(sent);',
    'return known.has(writeKey);',
    'const source = writeKeys[writeKey];',
    'const name = this.#names.get(event.writeKey);',
    'const allowed = new Set(config.writeKeys);',
    'if (header.startsWith(secret)) pass();',
    'return expected.equals(signature);',
    'return Buffer.compare(digest, other) === 0;',
    'if (user.password.localeCompare(sent) === 0) pass();',
    'return secrets.indexOf(sent) >= 0;',
    'if (a &&\n  token\n  === given) pass();',
  ])('finds %j', (code) => {
    expect(secretComparisons(`const before = 1;\n${code}\n`)).toHaveLength(1);
  });

  it.each([
    'if (token === undefined) return;',
    "if (secret !== '' && user !== ':') keep();",
    "if (typeof secret !== 'string') return;",
    'if (signature.length !== size * 2) return;',
    "const sent = headers.get('authorization');",
    "if (!secret.startsWith('whsec_')) return;",
    '// token === given would leak',
    '/* secrets.includes(candidate) */',
    'if (timingSafeEqual(digest, expected)) pass();',
    'if (tokens === 0) wait();',
    'const fresh = await tokens.get(signal);',
    'if (!ABOUT_THE_TOKEN.has(status)) pass();',
    'const tokenizer = parts[index];',
  ])('is silent about %j', (code) => {
    expect(secretComparisons(code)).toEqual([]);
  });
});
