import { describe, expect, it } from 'vitest';
import { load, problemsOf, SECRET, verified } from '../support.js';

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
    [
      '{ scheme: hmca, secrets: [x] }',
      '.scheme has the unknown value "hmca"; did you mean "hmac"?',
    ],
    [
      '{}',
      '.scheme is required; it must be one of segment-signature, shared-secret, hmac, basic, write-key, jwt, none',
    ],
    ['{ scheme: shared-secret }', '.secrets is required'],
    ['{ scheme: shared-secret, secrets: [] }', '.secrets must not be empty'],
    ['{ scheme: shared-secret, secrets: [""] }', '.secrets[0] must not be empty'],
    [
      '{ scheme: shared-secret, secrets: [0123] }',
      '.secrets[0] must be a string: put it in quotes',
    ],
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
    ['{ scheme: basic }', '.secrets is required'],
    [
      '{ scheme: write-key, secrets: [a], writeKeys: [b] }',
      '.secrets and writeKeys are the same option; set only one',
    ],
    [
      '{ scheme: write-key, writekeys: [x] }',
      '.writekeys is not a known option; did you mean "writeKeys"?',
    ],
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
      'sources.s.verify.secrets[0] is shorter than 16 bytes; use 32 random bytes',
      'sources.s.verify.secrets[1] begins or ends with whitespace',
      'sources.s.verify.secrets contains the same value twice',
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
      'sources.s.verify is none, so anyone who can reach this source can send to it',
    ]);
    const { warnings } = resolved(
      `[{ scheme: none }, { scheme: shared-secret, secrets: [${SECRET}] }]`,
    );
    expect(warnings.at(-1)).toBe(
      'sources.s.verify contains none together with another scheme; none has no effect there',
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
    [`algorithms: [RS256]`, ' requires either jwks or key'],
    [`${jwks}, key: x, algorithms: [RS256]`, ' requires either jwks or key'],
    [jwks, '.algorithms is required'],
    [`${jwks}, algorithms: []`, '.algorithms must not be empty'],
    [
      `${jwks}, algorithms: [none]`,
      '.algorithms[0] has the unknown value "none"; known are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, HS256, HS384, HS512',
    ],
    [
      `${jwks}, algorithms: [HS256]`,
      '.algorithms must not contain HS256 together with jwks, because a key set is public',
    ],
    [
      `key: x, algorithms: [HS256, RS256]`,
      '.algorithms must not combine HS algorithms with algorithms for public keys',
    ],
    [
      `jwks: "file:///keys", audience: us, algorithms: [RS256]`,
      '.jwks must be an http or https URL',
    ],
  ])('refuses %s: %s', (options, line) => {
    expect(refusal(jwt(options))).toEqual([line]);
  });

  it('bounds how long a token can be used, and warns where nothing does', () => {
    const shared = `key: ${SECRET}, algorithms: [HS256]`;
    expect(resolved(jwt(shared)).verify).toEqual([
      expect.objectContaining({ leeway: 60_000, requireExp: true }),
    ]);
    const old = 'maxTokenAge: 5m, leeway: 0s, typ: at+jwt';
    expect(resolved(jwt(`${shared}, ${old}`)).verify).toEqual([
      expect.objectContaining({ maxTokenAge: 300_000, leeway: 0, typ: 'at+jwt' }),
    ]);
    expect(resolved(jwt(`${shared}, requireExp: false, maxTokenAge: 5m`)).warnings).toEqual([]);
    expect(resolved(jwt(`${shared}, requireExp: false`)).warnings).toEqual([
      'sources.s.verify accepts tokens that never expire; set maxTokenAge',
    ]);
  });

  it('warns where keys come without TLS, or tokens for others would do', () => {
    expect(
      resolved(jwt('jwks: "http://id.example.com/keys", algorithms: [RS256]')).warnings,
    ).toEqual([
      'sources.s.verify.jwks is fetched without TLS, so anyone on the network path can replace the keys',
      'sources.s.verify has no audience, so tokens issued for other services are accepted',
    ]);
  });
});
