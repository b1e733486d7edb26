import { generateKeyPairSync } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { sinkTypes } from '../../src/sinks/registry.js';
import { manual } from '../support/manual.js';
import { fence, fencesOf, sinkExample } from '../support/markdown.js';
import { runInProcess } from '../support/program.js';
import { makeDirectory } from '../support/receiver.js';

const MANUAL = manual();
const EXAMPLES = fencesOf(MANUAL).filter(({ language }) => language === 'yaml');
const KEYS = generateKeyPairSync('rsa', { modulusLength: 2048 });
const { publicKey, privateKey } = KEYS;

/** Examples that show part of a section, and the configuration around them. */
const AROUND: Readonly<Record<string, (part: object) => object>> = {
  verify: (part) => ({ sources: { in: { type: 'segment', ...part } } }),
  'kafka-sasl': (part) => ({ sinks: { kafka: { ...sinkExample(MANUAL, 'kafka-sink'), ...part } } }),
};

/** Variables whose values must have a certain form. Every other variable may be any text. */
const FORMS: Readonly<Record<string, string>> = {
  CLIENT_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  SEGMENT_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  REDIS_URL: 'redis://127.0.0.1',
  NATS_URL: 'nats://127.0.0.1',
  HOOK_SECRET: 'c2VjcmV0LXNpZ25pbmcta2V5',
};

let cwd: string;
beforeAll(async () => {
  cwd = await makeDirectory();
  for (const module of ['my-sink.mjs', 'transform.mjs']) {
    await writeFile(join(cwd, module), fence(MANUAL, 'js', module));
  }
});
afterAll(async () => {
  await rm(cwd, { recursive: true });
});

/** What `trackbridge check` says of a configuration, with every variable set that it names. */
async function check(text: string) {
  await writeFile(join(cwd, 'trackbridge.yaml'), text);
  const names = [...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => String(name));
  const values = names.map((name, at) => [name, FORMS[name] ?? `a-long-enough-value-${at}`]);
  return await runInProcess(['check', '--config', 'trackbridge.yaml', '--json'], {
    cwd,
    env: Object.fromEntries(values),
  });
}

/** The resolved configuration of an example. */
async function configOf(use: string) {
  const { stdout } = await check(fence(MANUAL, 'yaml', use));
  return JSON.parse(stdout).config;
}

describe('an example configuration', () => {
  it('has a name of its own', () => {
    const uses = EXAMPLES.map(({ use }) => use);
    expect(uses).not.toContain('');
    expect(new Set(uses).size).toBe(uses.length);
  });

  it.each(EXAMPLES.map(({ use }) => use))('is valid, without a warning: %s', async (use) => {
    const text = fence(MANUAL, 'yaml', use);
    const around = AROUND[use];
    const whole = around === undefined ? text : JSON.stringify(around(parse(text)));
    const { code, stderr } = await check(whole);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('is there for every sink', () => {
    const uses = EXAMPLES.map(({ use }) => use).filter((use) => use.endsWith('-sink'));
    const types = uses.map((use) => sinkExample(MANUAL, use)['type']);
    expect(new Set(types)).toEqual(new Set(Object.keys(sinkTypes)));
  });
});

describe('the sample configuration', () => {
  it('is what an empty file means, except admin and orders', async () => {
    const { admin, sinks, ...rest } = await configOf('config');
    const { orders, ...others } = sinks;
    const text = 'sources: {}\n';
    const empty = JSON.parse((await check(text)).stdout).config;
    expect([admin, orders]).not.toContain(undefined);
    expect({ ...rest, sources: {}, sinks: others }).toEqual(empty);
  });

  it('shows the defaults of the admin section and of every sink', async () => {
    const explicit = parse(fence(MANUAL, 'yaml', 'config'));
    const { admin, sinks } = explicit;
    const { batch: _, lanes: __, retry: ___, ...bare } = sinks.orders;
    const less = { ...explicit, admin: { token: admin.token }, sinks: { ...sinks, orders: bare } };
    const [all, implicit] = [
      await check(JSON.stringify(explicit)),
      await check(JSON.stringify(less)),
    ];
    expect(all.code).toBe(0);
    expect(JSON.parse(all.stdout)).toEqual(JSON.parse(implicit.stdout));
  });
});

describe('what the examples say', () => {
  it.each(['sdk', 'oauth'])('holds without a secret being printed: %s', async (use) => {
    expect((await check(fence(MANUAL, 'yaml', use))).stdout).not.toContain('a-long-enough-value');
  });

  it('holds of operators with a JSON Web Token', async () => {
    const { admin } = await configOf('admin');
    expect(admin.jwt.algorithms).toEqual(['RS256']);
  });

  it('holds of a second factor', async () => {
    const source = { type: 'segment', ...parse(fence(MANUAL, 'yaml', 'verify')) };
    const { stdout } = await check(JSON.stringify({ sources: { in: source } }));
    expect(JSON.parse(stdout).config.sources.in.verify).toHaveLength(2);
  });

  it('holds of SDKs, access tokens and webhooks', async () => {
    expect((await configOf('sdk')).sources.sdk.writeKeys).toHaveLength(2);
    expect((await configOf('oauth')).sources.sdk.oauth.lifetime).toBe(86_400_000);
    expect((await configOf('hooks')).sources.hooks.path).toBe('/');
  });
});
