import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runInProcess } from '../support/program.js';
import { makeDirectory, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { trackText } from '../support/sender.js';

let cwd: string;
let receiver: Receiver | undefined;
beforeEach(async () => {
  cwd = await makeDirectory();
});
afterEach(async () => {
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const run = (...args: string[]) => runInProcess(args, { cwd });
/** As a process of its own: what `serve` does to signals and streams is the process's. */
const spawned = (...args: string[]) => runCommand(args, { cwd });
/** The one line that is for people; beside it there may be JSON log lines. */
const oneLine = (text: string): string => {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^trackbridge: /);
  return String(lines[0]);
};
/** The first of these ports that nobody listens on. */
async function freePort(ports: readonly number[]): Promise<number> {
  for (const port of ports) {
    const server = createServer();
    const listening = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!listening) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
  throw new Error('none of the ports is free');
}

const OPEN = {
  sources: { in: { type: 'segment', path: '/in', verify: { scheme: 'none' } } },
  sinks: {},
};

describe('every command', () => {
  it.each([
    ['serve'],
    ['dev'],
    ['check'],
    ['send'],
    ['transformation'],
    ['verify'],
    ['doctor'],
    ['stats'],
    ['tail'],
    ['dead-letters'],
    ['quarantine'],
    ['dead-letters', 'list'],
    ['dead-letters', 'show'],
    ['dead-letters', 'replay'],
    ['dead-letters', 'purge'],
    ['quarantine', 'list'],
    ['quarantine', 'show'],
    ['quarantine', 'replay'],
    ['quarantine', 'purge'],
    ['outbox'],
    ['outbox', 'check'],
  ])('%s %s has help with an example', async (...command) => {
    const { code, stdout } = await run(...command.filter((word) => word !== undefined), '--help');
    expect(code).toBe(0);
    expect(stdout).toContain('Example:');
  });

  it.each([
    ['an option it does not have', 'serve --prot 1', /--prot/],
    ['a command that there is not', 'nonsense', /nonsense/],
    ['a subcommand that there is not', 'dead-letters lost', /lost/],
    ['an option that is missing', 'check', /--config/],
    ['an option without its value', 'check --config', /--config/],
    ['an argument that is missing', 'quarantine show', /id/],
    ['no receiver', 'stats', /--admin/],
    ['no receiver to watch', 'tail', /--admin/],
    ['no number', 'tail --admin http://x --count 0', /--count/],
    ['records that nobody could read', 'tail --admin http://x --record', /--json/],
    ['a port that is none', 'serve --port many', /--port/],
    ['a port that is none, for dev', 'dev --port many', /--port/],
    ['a URL that is none', 'stats --admin nowhere', /--admin/],
  ])('leaves with 2 and one line on wrong usage: %s', async (_, words, named) => {
    const { code, stdout, stderr } = await run(...words.split(' '));
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^trackbridge: [^\n]+\n$/);
    expect(stderr).not.toContain('error:');
    expect(stderr).toMatch(named);
  });
});

describe('check', () => {
  it('says that a good configuration is good, and with --json shows it with secrets masked', async () => {
    const config = {
      ...OPEN,
      sources: {
        in: {
          type: 'segment',
          path: '/in',
          verify: { scheme: 'segment-signature', secrets: ['a-long-enough-secret'] },
        },
      },
      sinks: { out: { type: 'file', path: './out.ndjson' } },
    };
    await writeFile(join(cwd, 'good.json'), JSON.stringify(config));
    expect(await run('check', '--config', 'good.json', '--connect')).toMatchObject({
      code: 0,
      stderr: '',
    });
    const { stdout } = await run('check', '--config', 'good.json', '--json');
    expect(stdout).not.toContain('a-long-enough-secret');
    expect(JSON.parse(stdout)).toMatchObject({ config: { server: { port: 8080, budget: 4500 } } });
  });

  it('names file, line, key and the nearest key of what is wrong, and leaves with 2', async () => {
    await writeFile(
      join(cwd, 'bad.yaml'),
      'server:\n  port: 8080\nsources:\n  in:\n    type: segment\n    verfy: { scheme: none }\n',
    );
    const { code, stderr } = await run('check', '--config', 'bad.yaml');
    expect(code).toBe(2);
    expect(oneLine(stderr)).toMatch(/bad\.yaml:6:\d+.*verfy.*verify/);
    await writeFile(join(cwd, 'type.yaml'), 'sinks:\n  a: { type: stdot }\n');
    expect(oneLine((await run('check', '--config', 'type.yaml')).stderr)).toContain('"stdout"');
  });

  it('with --connect says which sink cannot be reached, and leaves with 1', async () => {
    const sinks = {
      far: { type: 'http', url: 'http://127.0.0.1:1/', allowPrivateAddresses: true },
    };
    await writeFile(join(cwd, 'far.json'), JSON.stringify({ ...OPEN, sinks }));
    const { code, stderr } = await run('check', '--config', 'far.json', '--connect');
    expect(code).toBe(1);
    expect(stderr).toMatch(/sink far: .*refused/i);
  });
});

describe('check, also without --connect,', () => {
  const rudderstack = (schema: string): object => ({
    sources: { rs: { type: 'rudderstack', path: '/rs', verify: { scheme: 'none' }, schema } },
    sinks: {},
  });
  const checked = async (config: object): Promise<string> => {
    await writeFile(join(cwd, 'checked.json'), JSON.stringify(config));
    const { code, stdout, stderr } = await run('check', '--config', 'checked.json');
    expect(code).toBe(2);
    expect(stdout).toBe('');
    return oneLine(stderr.replaceAll(/^trackbridge: warning: .*\n/gm, ''));
  };

  it('refuses a source whose schema is not there or is none', async () => {
    expect(await checked(rudderstack('./missing.json'))).toMatch(
      /sources\.rs\.schema.*missing\.json/,
    );
    await writeFile(join(cwd, 'broken.json'), '{"properties":');
    expect(await checked(rudderstack('./broken.json'))).toMatch(
      /sources\.rs\.schema.*broken\.json/,
    );
  });

  it.skipIf(process.platform === 'win32').each(['/dev/null', '/tmp', ':memory:', './'])(
    'refuses %s as outbox.path',
    async (path) => {
      expect(await checked({ ...OPEN, outbox: { path } })).toMatch(/outbox\.path/);
    },
  );

  it('names the sink whose module is not there', async () => {
    const sinks = { mine: { type: 'module', path: './missing.mjs' } };
    expect(await checked({ ...OPEN, sinks })).toMatch(/sinks\.mine\b.*missing\.mjs/);
  });
});

describe('a command that operates a receiver', () => {
  it('reaches an admin listener on a port that browsers refuse', async () => {
    // From the list of ports that `fetch` blocks.
    const port = await freePort([6000, 6665, 6666, 6667, 6668, 6669, 6697, 10080]);
    const config = { ...OPEN, server: { port: 0 }, admin: { port, token: 'an-admin-token' } };
    receiver = await startReceiver({ directory: cwd, config });
    const { code, stdout, stderr } = await run('stats', '--config', 'trackbridge.json', '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ accepted: 0 });
  });
});

describe('serve', () => {
  it('says in one line that the port is in use, and leaves with 2', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const { code, stderr } = await runCommand(['serve', '--port', String(port)], {
      cwd,
      env: { LOG_LEVEL: 'silent' },
    });
    other.close();
    expect(code).toBe(2);
    expect(oneLine(stderr)).toContain(`127.0.0.1:${port}`);
  });

  it('says in one line that its data directory cannot be written, and leaves with 2', async () => {
    await writeFile(join(cwd, 'data'), 'a file where the directory should be');
    const { code, stderr } = await spawned('serve', '--port', '0');
    expect(code).toBe(2);
    oneLine(stderr);
  });

  it('refuses a damaged outbox, says how to recover, and leaves it as it is', async () => {
    receiver = await startReceiver({ directory: cwd, config: { ...OPEN, server: { port: 0 } } });
    await fetch(`${receiver.url}/in`, { method: 'POST', body: trackText('kept') });
    await receiver.end();
    const file = join(cwd, 'data/outbox.db');
    const garbage = Buffer.alloc(20_000, 'garbage');
    await writeFile(file, garbage);
    const { code, stderr } = await spawned('serve', '--config', 'trackbridge.json');
    expect(code).toBe(2);
    expect(oneLine(stderr)).toMatch(/outbox\.db/);
    expect(await readFile(file)).toEqual(garbage);

    await truncate(file, 0);
    expect((await spawned('serve', '--config', 'trackbridge.json')).code).toBe(2);
  });

  it('refuses a second receiver on the same outbox', async () => {
    receiver = await startReceiver({ directory: cwd, config: { ...OPEN, server: { port: 0 } } });
    const { code, stderr } = await spawned('serve', '--config', 'trackbridge.json');
    expect(code).toBe(2);
    expect(oneLine(stderr)).toMatch(/in use/);
  });

  it('drains on SIGTERM and SIGINT and leaves with 0', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const started = await startReceiver({ config: { ...OPEN, server: { port: 0 } } });
      expect(await started.end(signal)).toBe(0);
    }
  });
});

describe('transformation', () => {
  it('prints an ES module that exports transformEvent', async () => {
    await mkdir(join(cwd, 'module'));
    const { code, stdout } = await run('transformation');
    expect(code).toBe(0);
    await writeFile(join(cwd, 'module/transformation.mjs'), stdout);
    const module = (await import(join(cwd, 'module/transformation.mjs'))) as {
      transformEvent(event: object): object;
    };
    const event = { type: 'track', event: 'E', properties: { a: 1 } };
    expect(module.transformEvent(event)).toMatchObject({ ...event, header: expect.any(Object) });
  });
});
