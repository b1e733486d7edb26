import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { freePort } from './support/free-port.js';
import { eventually, readEvents } from './support/receiver.js';
import { deliverSegment, trackText } from './support/sender.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const run = promisify(execFile);

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** The stages of a Dockerfile, each as its instructions after FROM; comments and line continuations are undone. */
function stagesOf(text: string): readonly (readonly Instruction[])[] {
  const lines = text.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, '');
  const stages: Instruction[][] = [];
  for (const [, name = '', value = ''] of lines.matchAll(/^([A-Z]+)\s+(.+)$/gm)) {
    if (name === 'FROM') stages.push([]);
    stages.at(-1)?.push({ name, value });
  }
  return stages;
}

const stages = stagesOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const [build = [], final = []] = stages;
const allOf = (stage: readonly Instruction[], name: string): string[] =>
  stage.filter((each) => each.name === name).map(({ value }) => value);
/** The last one counts, as for the engine. */
const lastOf = (stage: readonly Instruction[], name: string): string =>
  allOf(stage, name).at(-1) ?? '';
/** Every COPY as its sources and its target, and the stage it takes them from. */
const copiesOf = (stage: readonly Instruction[]) =>
  allOf(stage, 'COPY').map((value) => {
    const from = /^--from=(\S+)\s+/.exec(value);
    const words = value.slice(from?.[0].length ?? 0).split(/\s+/);
    return { from: from?.[1], sources: words.slice(0, -1), target: words.at(-1) ?? '' };
  });
const contextPaths = stages.flatMap((stage) =>
  copiesOf(stage)
    .filter(({ from }) => from === undefined)
    .flatMap(({ sources }) => sources),
);

describe('the Dockerfile', () => {
  it('builds in one stage and runs in another, on the same image', () => {
    expect(stages).toHaveLength(2);
    expect(lastOf(final, 'FROM')).toBe(lastOf(build, 'FROM').replace(/ AS build$/, ''));
    // An exact version, so that a build does not change by itself.
    expect(lastOf(final, 'FROM')).toMatch(
      /^node:22\.\d+\.\d+-bookworm-slim(?:@sha256:[0-9a-f]{64})?$/,
    );
    expect(copiesOf(final).every(({ from }) => from === 'build')).toBe(true);
  });

  it('runs without root, with a health check, a volume and the signal that drains', () => {
    expect(lastOf(final, 'USER')).toBe('node');
    expect(lastOf(final, 'HEALTHCHECK')).toMatch(/--timeout=\d+s .*CMD \[/);
    expect(lastOf(final, 'STOPSIGNAL')).toBe('SIGTERM');
    expect(lastOf(final, 'EXPOSE')).toBe('8080');
    expect(lastOf(final, 'VOLUME')).toBe('/app/data');
    // A shell in between would keep the signal to itself.
    expect(JSON.parse(lastOf(final, 'ENTRYPOINT'))[0]).toBe('node');
  });

  it('gives the volume to the user it runs as, before it becomes that user', () => {
    const names = final.map(({ name }) => name);
    expect(lastOf(final, 'RUN')).toBe('mkdir -m 0700 /app/data && chown node:node /app/data');
    expect(names.indexOf('RUN')).toBeLessThan(names.indexOf('USER'));
  });

  it('neither builds nor installs in the stage that runs', () => {
    expect(allOf(final, 'RUN').join('\n')).not.toMatch(/\b(npm|npx|apt-get|apk|tsc)\b/);
    const copied = copiesOf(final).flatMap(({ sources }) => sources.map((path) => basename(path)));
    expect(copied.sort()).toEqual(['dist', 'node_modules', 'package.json', 'schemas']);
  });

  it('copies only what is committed and not ignored', async () => {
    expect(contextPaths.length).toBeGreaterThan(3);
    // `*` and then exceptions: what is not named is not sent.
    const rules = readFileSync(join(ROOT, '.dockerignore'), 'utf8').trim().split('\n');
    expect(rules[0]).toBe('*');
    expect(
      rules
        .slice(1)
        .map((rule) => rule.replace(/^!/, ''))
        .sort(),
    ).toEqual([...contextPaths].sort());
    for (const path of contextPaths) {
      const { stdout } = await run('git', ['ls-files', '--', path], { cwd: ROOT });
      expect(stdout, path).not.toBe('');
    }
  });
});

describe.skipIf(process.platform === 'win32')('the image’s tree', { timeout: 300_000 }, () => {
  const places: string[] = [];
  const makePlace = async (): Promise<string> => {
    const place = await mkdtemp(join(tmpdir(), 'trackbridge-image-'));
    places.push(place);
    return place;
  };
  afterAll(async () => {
    for (const place of places) await rm(place, { recursive: true, force: true });
  });

  /** The environment without what `npm test` adds: an npm inside an npm would work on the outer one's directory. */
  const environment = (more: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
    ...Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) =>
          !/^(npm_(package|lifecycle|command|config_local_prefix)|INIT_CWD|VITEST|NODE_ENV)/.test(
            name,
          ),
      ),
    ),
    ...more,
  });

  /** The build stage: what it copies, and its RUN line as it stands. `offline` where the packages cannot be had. */
  async function buildStage(): Promise<{ readonly app: string } | 'offline'> {
    const app = await makePlace();
    for (const path of contextPaths) {
      await cp(join(ROOT, path), join(app, path), { recursive: true });
    }
    try {
      await run('bash', ['-c', lastOf(build, 'RUN')], {
        cwd: app,
        env: environment({ npm_config_prefer_offline: 'true' }),
        maxBuffer: 64 * 1024 * 1024,
      });
    } catch (error) {
      const { stderr } = error as { stderr: string };
      if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED/.test(stderr)) return 'offline';
      throw new Error(`the RUN line failed: ${stderr.slice(-2000)}`);
    }
    return { app };
  }

  /** The last stage: what it copies from the other one, which was built in `app` in place of /app. */
  async function finalStage(app: string): Promise<string> {
    const place = await makePlace();
    for (const { sources, target } of copiesOf(final)) {
      for (const source of sources) {
        const name = basename(source);
        const to = target.endsWith('/') ? join(place, target, name) : join(place, target);
        await cp(source.replace(/^\/app/, app), to, { recursive: true, verbatimSymlinks: true });
      }
    }
    await mkdir(join(place, 'data'), { mode: 0o700 });
    return place;
  }

  it('is built by the RUN line, has every driver, takes an event, is healthy, and stops on SIGTERM', async (test) => {
    const built = await buildStage();
    if (built === 'offline') return test.skip('packages cannot be installed here');
    const app = await finalStage(built.app);
    const { devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    );
    const drivers = Object.keys(peerDependencies);
    const load = `for (const name of ${JSON.stringify(drivers)}) await import(name);`;
    await run(process.execPath, ['--input-type=module', '-e', load], { cwd: app });
    const left = Object.keys(devDependencies).filter(
      (name) => !drivers.includes(name) && existsSync(join(app, 'node_modules', name)),
    );
    // What compiles, tests or checks is gone; koa-body itself depends on types, and on co-body, which needs qs.
    expect(left.filter((name) => !name.startsWith('@types/') && name !== 'qs')).toEqual([]);

    const secret = 'a-long-enough-secret';
    const env = {
      ...Object.fromEntries(
        lastOf(final, 'ENV')
          .split(/\s+/)
          .map((word) => word.split('=')),
      ),
      PATH: process.env['PATH'] ?? '',
      PORT: String(await freePort()),
      SEGMENT_SHARED_SECRET: secret,
    };
    const [program = '', ...args] = [
      ...JSON.parse(lastOf(final, 'ENTRYPOINT')),
      ...JSON.parse(lastOf(final, 'CMD')),
    ];
    const child = spawn(program, args, { cwd: app, env, stdio: 'ignore' });
    const exit = once(child, 'exit');
    const [checker = '', ...checkerArgs] = JSON.parse(
      lastOf(final, 'HEALTHCHECK').replace(/^.*?CMD /, ''),
    );
    const health = async (): Promise<number | null> => {
      const check = spawn(checker, checkerArgs, { cwd: app, env, stdio: 'ignore' });
      return ((await once(check, 'exit')) as [number | null])[0];
    };
    try {
      expect(await eventually(health, (code) => code === 0, 30_000)).toBe(0);
      const url = `http://127.0.0.1:${env.PORT}/segment`;
      expect((await deliverSegment(url, trackText('m-1'), secret)).status).toBe(200);
      const events = await eventually(
        () => readEvents(join(app, 'data/events.ndjson')),
        (all) => all.length > 0,
      );
      expect(events).toMatchObject([{ messageId: 'm-1' }]);
      child.kill('SIGTERM');
      expect((await exit)[0]).toBe(0);
      expect(await health()).toBe(1);
    } finally {
      child.kill('SIGKILL');
    }
  });
});
