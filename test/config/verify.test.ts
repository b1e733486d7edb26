import { describe, expect, it } from 'vitest';
import { load, problemsOf, SECRET, verified } from './support.js';

const refusal = (verify: string): string[] =>
  problemsOf(verified(verify)).map((line) =>
    line.replace(/^trackbridge\.yaml:\d+:\d+: sources\.s\.verify/, ''),
  );

const resolved = (verify: string) => {
  const { config, warnings } = load(verified(verify));
  return { verify: config.sources['s']?.verify, warnings };
};

describe('verify', () => {
  it('is one scheme or a list, and resolves to a list', () => {
    expect(resolved(`{ scheme: shared-secret, secrets: [${SECRET}] }`).verify).toEqual([
      { scheme: 'shared-secret', header: 'x-signature', secrets: [SECRET] },
    ]);
    const two = `[{ scheme: segment-signature, secrets: [${SECRET}] }, { scheme: basic, users: ["u:${SECRET}"] }]`;
    expect(resolved(two)).toEqual({
      verify: [
        {
          scheme: 'segment-signature',
          header: 'x-signature',
          secrets: [SECRET],
          batch: 'first-element',
        },
        { scheme: 'basic', secrets: [`u:${SECRET}`] },
      ],
      warnings: [],
    });
  });

  it('keeps header names in lower case', () => {
    const { verify } = resolved(
      `{ scheme: shared-secret, header: X-Hook-Token, secrets: [${SECRET}] }`,
    );
    expect(verify).toMatchObject([{ header: 'x-hook-token' }]);
  });

  it.each([
    ['none', ' must be a mapping such as { scheme: none }'],
    ['[]', ' must not be empty'],
    ['[none]', '[0] must be a mapping such as { scheme: none }'],
    ['{ scheme: hmca, secrets: [x] }', '.scheme does not know "hmca"; did you mean "hmac"?'],
    [
      '{}',
      '.scheme is missing; known are segment-signature, shared-secret, hmac, basic, write-key, jwt, none',
    ],
    ['{ scheme: shared-secret }', '.secrets is missing'],
    ['{ scheme: shared-secret, secrets: [] }', '.secrets must not be empty'],
    ['{ scheme: shared-secret, secrets: [""] }', '.secrets[0] must not be empty'],
    ['{ scheme: shared-secret, secrets: [0123] }', '.secrets[0] must be a text: put it in quotes'],
    ['{ scheme: shared-secret, secrets: hunter2 }', '.secrets must be a list'],
    [
      '{ scheme: shared-secret, header: "a b", secrets: [x] }',
      '.header must be the name of an HTTP header',
    ],
    [
      '{ scheme: shared-secret, secrets: [x], algorithm: sha1 }',
      '.algorithm is an option of scheme hmac, not of shared-secret',
    ],
    [
      '{ scheme: none, secrets: [x] }',
      '.secrets is an option of scheme segment-signature and shared-secret and hmac and basic and write-key, not of none',
    ],
    ['{ scheme: basic, users: [hunter2] }', '.users[0] must be user:password'],
    ['{ scheme: basic, users: ["hunter2:"] }', '.users[0] must be user:password'],
    ['{ scheme: basic }', '.secrets is missing'],
    [
      '{ scheme: write-key, secrets: [a], writeKeys: [b] }',
      '.secrets and writeKeys are the same: use one',
    ],
    ['{ scheme: write-key, writekeys: [x] }', '.writekeys is not known; did you mean "writeKeys"?'],
  ])('%s is refused: %s', (verify, line) => {
    const lines = refusal(verify);
    expect(lines[0]).toBe(line);
    expect(lines.join()).not.toContain('hunter2');
  });

  it('warns of secrets that are short, padded or repeated, without showing them', () => {
    const { warnings } = resolved(
      `{ scheme: shared-secret, secrets: [hunter2, "${SECRET} ", ${SECRET}, ${SECRET}] }`,
    );
    expect(warnings).toEqual([
      'sources.s.verify.secrets[0] is shorter than 16 bytes; use a random one of 32',
      'sources.s.verify.secrets[1] begins or ends with white space',
      'sources.s.verify.secrets holds the same value twice',
    ]);
  });

  it('counts the bytes of a secret, not its characters', () => {
    expect(resolved('{ scheme: shared-secret, secrets: [ééééééé] }').warnings).toHaveLength(1);
    expect(resolved('{ scheme: shared-secret, secrets: [éééééééé] }').warnings).toEqual([]);
  });

  it('looks at the password of basic users and at write keys as well', () => {
    expect(resolved(`{ scheme: basic, users: ["${SECRET}:a:b"] }`).warnings).toHaveLength(1);
    expect(resolved('{ scheme: write-key, writeKeys: [abc] }').warnings).toHaveLength(1);
    expect(resolved('{ scheme: write-key, secrets: [abc] }').warnings).toHaveLength(1);
  });

  it('warns where anyone may send, and where none stands beside another scheme', () => {
    expect(resolved('{ scheme: none }').warnings).toEqual([
      'sources.s.verify is none: anyone who reaches this source can send to it',
    ]);
    const { warnings } = resolved(
      `[{ scheme: none }, { scheme: shared-secret, secrets: [${SECRET}] }]`,
    );
    expect(warnings.at(-1)).toBe(
      'sources.s.verify lists none beside another scheme, where it changes nothing',
    );
  });
});

describe('verify with jwt', () => {
  const jwt = (options: string): string => `{ scheme: jwt, ${options} }`;
  const jwks = 'jwks: "https://id.example.com/keys", audience: us';

  it('takes a key set, or one key', () => {
    expect(resolved(jwt(`${jwks}, algorithms: [RS256, ES256]`)).warnings).toEqual([]);
    expect(resolved(jwt(`key: ${SECRET}, algorithms: [HS256]`)).warnings).toEqual([]);
  });

  it.each([
    [`algorithms: [RS256]`, ' needs either jwks or key'],
    [`${jwks}, key: x, algorithms: [RS256]`, ' needs either jwks or key'],
    [jwks, '.algorithms is missing'],
    [`${jwks}, algorithms: []`, '.algorithms must not be empty'],
    [
      `${jwks}, algorithms: [none]`,
      '.algorithms[0] does not know "none"; known are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384, HS512',
    ],
    [
      `${jwks}, algorithms: [HS256]`,
      '.algorithms must not hold HS256 together with jwks: a key set is public',
    ],
    [
      `key: x, algorithms: [HS256, RS256]`,
      '.algorithms must not mix HS algorithms with those of public keys',
    ],
    [
      `jwks: "file:///keys", audience: us, algorithms: [RS256]`,
      '.jwks must be an http or https URL',
    ],
  ])('refuses %s: %s', (options, line) => {
    expect(refusal(jwt(options))).toEqual([line]);
  });

  it('warns where keys come without TLS, or tokens for others would do', () => {
    expect(
      resolved(jwt('jwks: "http://id.example.com/keys", algorithms: [RS256]')).warnings,
    ).toEqual([
      'sources.s.verify.jwks is fetched without TLS: whoever is on the way can replace the keys',
      'sources.s.verify has no audience: tokens that the issuer made for others are accepted too',
    ]);
  });
});
