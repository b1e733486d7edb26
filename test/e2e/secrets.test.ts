import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spellingsOf } from '../security/spellings.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { sign, trackText } from '../support/sender.js';

/**
 * A secret of its own wherever one can be configured. The program is then driven through everything that says something,
 * and nothing of what it said may hold one of them in any spelling.
 */
const SECRETS = {
  segment: 'canary-segment-signature-01',
  shared: 'canary-shared-secret-02',
  hmac: 'canary-hmac-03-of-the-body',
  basic: 'canary-basic-password-04',
  writeKey: 'canary-write-key-05-of-it',
  jwt: 'canary-jwt-key-06-for-the-hs-algorithms',
  jwks: 'canary-jwks-query-07-key',
  adminToken: 'canary-admin-token-08-of-it',
  adminJwt: 'canary-admin-jwt-key-09-for-hs256',
  header: 'canary-sink-header-10-value',
  bearer: 'canary-sink-bearer-11-value',
  urlPassword: 'canary-url-password-12-x',
  urlQuery: 'canary-url-query-13-value',
  signing: 'canary-sink-signing-14-key',
  module: 'canary-module-password-15',
  apiKey: 'canary-tracking-api-key-16',
  segmentKey: 'canary-segment-sink-key-17',
  rudderKey: 'canary-rudderstack-key-18',
  oauthKey: 'canary-oauth-private-key-19',
} as const;
type Name = keyof typeof SECRETS;
const NAMES = Object.keys(SECRETS) as Name[];

/** Half of them stand in the file, half come from the environment. */
const VARIABLES = Object.fromEntries(
  NAMES.filter((_, at) => at % 2 === 0).map((name) => [`CANARY_${name}`, SECRETS[name]]),
);
const put = (name: Name): string =>
  VARIABLES[`CANARY_${name}`] === undefined ? SECRETS[name] : `\${CANARY_${name}}`;

/** Everything the program said: where, and what. */
const said: [where: string, text: string][] = [];
const leaks = (): string[] =>
  said.flatMap(([where, text]) =>
    NAMES.filter((name) => spellingsOf(SECRETS[name]).some((each) => text.includes(each))).map(
      (name) => `${where}: ${name}`,
    ),
  );

/** A far side that refuses for good, and repeats all it was sent: what a debugging endpoint does. */
let echo: Server;
let config: object;
let receiver: Receiver;

const secretSource = (name: string, verify: object): object => ({
  type: 'rudderstack',
  path: `/${name}`,
  verify,
  onUnauthenticated: name === 'shared' ? 'quarantine' : 'reject',
});

beforeAll(async () => {
  echo = createServer((request, response) => {
    request.resume().on('end', () => {
      response.statusCode = 400;
      response.end(JSON.stringify({ url: request.url, headers: request.rawHeaders }));
    });
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const { port } = echo.address() as AddressInfo;
  const far = (to: number): string =>
    `http://user:${put('urlPassword')}@127.0.0.1:${to}/hook?key=${put('urlQuery')}`;
  const http = {
    type: 'http',
    allowPrivateAddresses: true,
    batch: { size: 1 },
    headers: { 'x-api-key': put('header'), authorization: `Bearer ${put('bearer')}` },
    sign: { scheme: 'standard-webhooks', format: 'raw', secret: put('signing') },
  };
  config = {
    server: { port: 0 },
    admin: {
      port: 0,
      token: put('adminToken'),
      record: {},
      jwt: { key: put('adminJwt'), audience: 'a', algorithms: ['HS256'] },
    },
    sources: {
      segment: {
        type: 'segment',
        path: '/segment',
        verify: { scheme: 'segment-signature', secrets: [put('segment')] },
      },
      shared: secretSource('shared', { scheme: 'shared-secret', secrets: [put('shared')] }),
      hmac: secretSource('hmac', { scheme: 'hmac', header: 'x-hub', secrets: [put('hmac')] }),
      basic: secretSource('basic', { scheme: 'basic', users: [`user:${put('basic')}`] }),
      key: secretSource('key', { scheme: 'write-key', writeKeys: [put('writeKey')] }),
      jwt: secretSource('jwt', { scheme: 'jwt', key: put('jwt'), algorithms: ['HS256'] }),
      api: { type: 'tracking-api', path: '/api', writeKeys: { [SECRETS.apiKey]: 'web' } },
      jwks: secretSource('jwks', {
        scheme: 'jwt',
        jwks: `http://127.0.0.1:1/keys?key=${put('jwks')}`,
        algorithms: ['RS256'],
      }),
    },
    sinks: {
      refusing: { ...http, url: far(port) },
      away: { ...http, url: far(1) },
      own: { type: 'module', path: './own.mjs', options: { password: put('module') } },
      toSegment: {
        type: 'segment',
        writeKey: put('segmentKey'),
        endpoint: `http://127.0.0.1:${port}`,
      },
      toRudder: { type: 'rudderstack', writeKey: put('rudderKey'), endpoint: 'http://127.0.0.1:1' },
      file: { type: 'file', path: 'data/events.ndjson' },
    },
  };
  receiver = await startReceiver({
    config: { sinks: {}, sources: {}, server: { port: 0 } },
    env: VARIABLES,
  });
  await receiver.end();
  await writeFile(
    join(receiver.directory, 'own.mjs'),
    'export const createSink = () => ({ deliver() { throw new Error("not today"); } });\n',
  );
  receiver = await startReceiver({
    config,
    directory: receiver.directory,
    env: { ...VARIABLES, LOG_LEVEL: 'trace' },
  });
});
afterAll(async () => {
  await receiver.end('SIGKILL');
  echo.close();
  echo.closeAllConnections();
  await rm(receiver.directory, { recursive: true, force: true });
});

async function ask(url: string, init: RequestInit = {}): Promise<number> {
  const answer = await fetch(url, init);
  const text = `${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
  said.push([`${init.method ?? 'GET'} ${new URL(url).pathname}`, text]);
  return answer.status;
}

async function run(...args: string[]): Promise<number | null> {
  const cwd = receiver.directory;
  const { code, stdout, stderr } = await runCommand(args, { cwd, env: VARIABLES });
  said.push([args.join(' ').slice(0, 40), `${stdout}\n${stderr}`]);
  return code;
}

const post = (headers: Record<string, string>, body: string): RequestInit => ({
  method: 'POST',
  headers,
  body,
});
const basicOf = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('no secret of the configuration is said', { timeout: 120_000 }, () => {
  it('in answers to deliveries, good ones and bad ones of every scheme', async () => {
    const body = trackText('good');
    const key = trackText('with-key', { writeKey: SECRETS.writeKey });
    const statuses = [
      await ask(
        `${receiver.url}/segment`,
        post({ 'x-signature': sign(body, SECRETS.segment) }, body),
      ),
      await ask(`${receiver.url}/shared`, post({ 'x-signature': SECRETS.shared }, trackText('2'))),
      await ask(
        `${receiver.url}/basic`,
        post({ authorization: basicOf(`user:${SECRETS.basic}`) }, trackText('3')),
      ),
      await ask(`${receiver.url}/key`, post({}, key)),
      await ask(`${receiver.url}/key?writeKey=${SECRETS.writeKey}`, post({}, trackText('4'))),
      await ask(`${receiver.url}/key/track?writeKey=${SECRETS.writeKey}&a=1`),
    ];
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
    const call = trackText('api', { writeKey: SECRETS.apiKey });
    const batch = { authorization: basicOf(`${SECRETS.apiKey}:`) };
    expect(await ask(`${receiver.url}/api/v1/track`, post({}, call))).toBe(200);
    await ask(`${receiver.url}/api/v1/batch`, post(batch, `{"batch":[${call}]}`));
    await ask(`${receiver.url}/api/v1/batch`, post(batch, '{"broken'));
    await ask(`${receiver.url}/api/v1/track`, post({}, call.replace('api-key', 'api-kex')));
    for (const path of ['segment', 'hmac', 'basic', 'key', 'jwt']) {
      // The right secret in the wrong place, with something after it, and of the wrong kind.
      for (const secret of [
        SECRETS.segment,
        `${SECRETS.basic}x`,
        basicOf(`user:${SECRETS.shared}`),
      ]) {
        const headers = { 'x-signature': secret, 'x-hub': secret, authorization: secret };
        expect(await ask(`${receiver.url}/${path}`, post(headers, body)), path).toBe(401);
      }
    }
    // Kept in quarantine with what it came with.
    expect(
      await ask(
        `${receiver.url}/shared?writeKey=${SECRETS.writeKey}`,
        post({ 'x-signature': 'no' }, body),
      ),
    ).toBe(200);
    const jws = `${Buffer.from('{"alg":"RS256","kid":"k"}').toString('base64url')}.e30.AAAA`;
    expect(await ask(`${receiver.url}/jwks`, post({ authorization: `Bearer ${jws}` }, body))).toBe(
      503,
    );
    expect(
      await ask(`${receiver.url}/shared`, post({ 'x-signature': SECRETS.shared }, '{"broken')),
    ).toBe(400);
    // Pasted into the URL, where a source expects nothing, and where there is none.
    for (const secret of [SECRETS.segment, SECRETS.shared, SECRETS.basic]) {
      for (const path of [`/${secret}`, `/segment/${secret}`, `/segment/${secret}/x?k=${secret}`]) {
        expect(await ask(receiver.url + path, post({}, body))).toBe(404);
      }
      await ask(`${receiver.url}/basic/${secret}?secret=${secret}`);
      await ask(`${receiver.adminUrl}/${secret}`);
    }
    expect(leaks()).toEqual([]);
  });

  it('by the admin listener', async () => {
    const token = { authorization: `Bearer ${SECRETS.adminToken}` };
    const list = `${receiver.adminUrl}/api/dead-letters`;
    await eventually(
      async () => (await (await fetch(list, { headers: token })).json()) as unknown[],
      (entries) => entries.length > 0,
    );
    const [dead] = (await (await fetch(list, { headers: token })).json()) as { id: string }[];
    for (const path of [
      '/api/stats',
      '/metrics',
      '/api/dead-letters',
      '/api/dead-letters?payload=true',
      `/api/dead-letters/${dead?.id}`,
      '/api/quarantine?payload=true',
      '/asyncapi.yaml',
      '/nowhere',
      '/livez',
      '/readyz',
    ]) {
      await ask(receiver.adminUrl + path, { headers: token });
      await ask(receiver.adminUrl + path, {
        headers: { authorization: `Bearer ${SECRETS.shared}` },
      });
    }
    expect(said.length).toBeGreaterThan(30);
    expect(leaks()).toEqual([]);
  });

  it('by the inspector, of any of these deliveries in any form', async () => {
    const token = { authorization: `Bearer ${SECRETS.adminToken}` };
    const json = { ...token, 'content-type': 'application/json' };
    const list = `${receiver.adminUrl}/api/deliveries`;
    // Refused, so that what their sender put into them is not the operator's data: all of them wherever a text can be.
    const configured = NAMES.filter((name) => name !== 'oauthKey');
    const all = configured.map((name) => SECRETS[name]).join(' "and" ');
    const inUrl = encodeURIComponent(all);
    const body = JSON.stringify({ type: 'track', properties: { all }, [all]: 1 });
    const refused = async (path: string, init: RequestInit): Promise<void> => {
      expect(await ask(receiver.url + path, init), path).toBe(401);
    };
    await refused(`/basic/track/${inUrl}?q=${inUrl}`, { headers: { 'x-other': all } });
    await refused('/segment', post({ 'x-signature': SECRETS.segment }, body));
    await refused('/hmac', post({ 'x-hub': basicOf(SECRETS.basic) }, basicOf(all)));
    const live = await fetch(`${receiver.adminUrl}/api/live?record=true`, { headers: token });
    const reader = live.body?.pipeThrough(new TextDecoderStream()).getReader();
    const first = await reader?.read();
    await refused('/segment', post({ 'x-signature': 'a'.repeat(40), 'x-other': all }, body));
    let text = first?.value ?? '';
    while (!text.includes('event: delivery') || !text.endsWith('\n\n')) {
      text += (await reader?.read())?.value ?? '';
    }
    await reader?.cancel();
    said.push(['the stream', text]);
    const recorded = (await (await fetch(`${list}?limit=1000`, { headers: token })).json()) as {
      id: string;
    }[];
    expect(recorded.length).toBeGreaterThan(30);
    await ask(`${list}?limit=1000`, { headers: token });
    for (const { id } of recorded) {
      for (const form of ['', '/body', '/curl', '/fixture']) {
        await ask(`${list}/${id}${form}`, { headers: token });
      }
      const shown = (await (await fetch(`${list}/${id}`, { headers: token })).json()) as {
        request: { body: string };
      };
      said.push([`the body of ${id}`, Buffer.from(shown.request.body, 'base64').toString()]);
    }
    for (const action of ['explain', 'send-again', 'replay']) {
      const path = `${list}/${recorded[0]?.id}/${action}`;
      expect(await ask(path, { method: 'POST', headers: json, body: '{}' }), action).toBe(200);
    }
    expect(leaks()).toEqual([]);
  });

  it('by the commands that operate it', async () => {
    const at = ['--admin', receiver.adminUrl, '--token', SECRETS.adminToken];
    expect(await run('stats', ...at)).toBe(0);
    expect(await run('dead-letters', 'list', '--payload', '--json', ...at)).toBe(0);
    expect(await run('quarantine', 'list', '--payload', '--json', ...at)).toBe(0);
    expect(await run('stats', '--admin', 'http://127.0.0.1:1', '--token', SECRETS.adminToken)).toBe(
      1,
    );
    const inUrl = `http://user:${SECRETS.adminToken}@127.0.0.1:1/?token=${SECRETS.adminToken}`;
    expect(await run('stats', '--admin', inUrl)).toBe(1);
    expect(await run('stats', '--admin', `user:${SECRETS.adminToken}@here`)).toBe(2);
    expect(await run('stats', ...at, '--bogus')).toBe(2);
    expect(await run('stats', '--config', 'trackbridge.json')).not.toBe(0);
    expect(leaks()).toEqual([]);
  });

  it('by check, with or without connecting', async () => {
    expect(await run('check', '--config', 'trackbridge.json')).toBe(0);
    expect(await run('check', '--config', 'trackbridge.json', '--json')).toBe(0);
    expect(await run('check', '--config', 'trackbridge.json', '--connect', '--json')).toBe(1);
    await run('--help');
    await run('serve', '--help');
    expect(leaks()).toEqual([]);
  });

  it('about a mistake right beside it', async () => {
    const text = JSON.stringify(config, undefined, 1);
    const line = (name: Name): string => `"${put(name)}"`;
    const broken = [
      // Not well-formed where a secret stands.
      ...(['segment', 'adminToken'] as const).flatMap((name) => [
        text.replace(line(name), `${line(name).slice(0, -1)}`),
        text.replace(line(name), `${line(name)} ${line(name)}`),
        text.replace(line(name), `{ ${line(name)}: 1 }`),
        text.replace(line(name), `[${line(name)}]`),
        text.replace(line(name), `!${SECRETS[name]}`),
        text.replace(line(name), `*${SECRETS[name]}`),
        text.replace(line(name), `@${SECRETS[name]}`),
        text.replace(line(name), `"\${${SECRETS[name]}}"`),
      ]),
      text.replace('"http://user:', '"nothing://user:'),
      text.replace('"x-api-key"', '"x api key"'),
      text.replace('"algorithms"', '"algoritms"'),
      text.replaceAll('"HS256"', '"RS256"'),
      text.replace('"web"', '"not a name"'),
      text.replace('"web"', '7'),
      text.replace(line('segmentKey'), '{}').replace('"type": "rudderstack"', '"type": "rudder"'),
      text.replace(
        `"writeKey": ${line('segmentKey')}`,
        `"writeKey": ${line('segmentKey')}, "oauth": { "clientId": "a", "keyId": "b", "privateKey": "${SECRETS.oauthKey}" }`,
      ),
      text.replace('"scheme": "hmac"', '"scheme": "hmacs"'),
      text.replace(line('header'), `"${SECRETS.header}\\n"`),
      text.replace(line('signing'), `"whsec_${SECRETS.signing}"`),
    ];
    for (const [at, each] of broken.entries()) {
      expect(each, String(at)).not.toBe(text);
      await writeFile(join(receiver.directory, 'broken.yaml'), each);
      const code = await run(at % 2 === 0 ? 'check' : 'serve', '--config', 'broken.yaml');
      expect(code, `${at}: ${said.at(-1)?.[1]}`).not.toBe(0);
    }
    expect(leaks()).toEqual([]);
  });

  it('where it cannot start', async () => {
    const port = Number(new URL(receiver.url).port);
    await writeFile(
      join(receiver.directory, 'taken.json'),
      JSON.stringify({ ...config, server: { port }, outbox: { type: 'memory' } }),
    );
    expect(await run('serve', '--config', 'taken.json')).toBe(2);
    expect(leaks()).toEqual([]);
  });

  it('in the log of all that, at its most talkative, nor in what was written beside the configuration', async () => {
    await eventually(receiver.stderr, (text) => text.includes('KEYS_UNAVAILABLE'));
    expect(await receiver.end()).toBe(0);
    said.push(['stderr', receiver.stderr()], ['stdout', receiver.stdout()]);
    const own = ['trackbridge.json', 'broken.yaml', 'taken.json', 'own.mjs', 'data/secrets.json'];
    const files = await readdir(receiver.directory, { recursive: true, withFileTypes: true });
    const names = files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(receiver.directory.length + 1));
    expect(names).toEqual(expect.arrayContaining(['data/outbox.db', 'data/events.ndjson']));
    for (const name of names.filter((each) => !own.includes(each))) {
      said.push([name, await readFile(join(receiver.directory, name), 'latin1')]);
    }
    expect(leaks()).toEqual([]);
  });

  it('and the search would have found one', () => {
    said.push(['here', `x${basicOf(`user:${SECRETS.basic}`)}`]);
    expect(leaks()).toEqual(['here: basic']);
    said.pop();
  });
});
