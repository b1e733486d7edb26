import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fixture } from '../../src/workbench/inspect/record.js';
import { makeDirectory, type Receiver, runCommand, startReceiver } from '../support/receiver.js';
import { type RecordingSocket, recordingSocket } from '../support/recording-socket.js';
import { sign, trackText } from '../support/sender.js';

let directory: string;
beforeEach(async () => {
  directory = await makeDirectory();
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const fixture = (more: Partial<Fixture> = {}): Fixture => ({
  trackbridge: 1,
  recordedAt: '2026-01-02T03:04:05.678Z',
  source: 'segment',
  method: 'POST',
  path: '/segment?x=1&y=2',
  httpVersion: '1.1',
  headers: [['content-type', 'application/json']],
  body: { text: '{ "type": "track" }' },
  redacted: false,
  masked: [],
  ...more,
});
const save = async (name: string, value: unknown): Promise<void> =>
  await writeFile(join(directory, name), JSON.stringify(value));
const replay = async (to: string, ...args: string[]) =>
  await runCommand(['send', '--to', to, '--replay', ...args], { cwd: directory });

describe('send --replay, to a socket', () => {
  let socket: RecordingSocket;
  beforeEach(async () => {
    socket = await recordingSocket();
  });
  afterEach(() => socket.close());

  it('sends every byte as it was recorded, and what belongs to the connection anew', async () => {
    const bytes = Buffer.from([0, 0xff, 0x0d, 0x0a, 0xc3]);
    await save('one.json', {
      ...fixture({
        method: 'PUT',
        headers: [
          ['X-Signature', 'as it was'],
          ['x-twice', 'a'],
          ['X-Twice', 'caf\u00c3\u00a9 \u00e9'],
          ['Host', 'elsewhere'],
          ['content-encoding', 'gzip'],
        ],
        body: { base64: bytes.toString('base64') },
      }),
    });
    const { code, stderr } = await replay(socket.url, 'one.json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(socket.bytes()).toBe(
      [
        'PUT /segment?x=1&y=2 HTTP/1.1',
        `Host: ${new URL(socket.url).host}`,
        'X-Signature: as it was',
        'x-twice: a',
        'x-twice: caf\u00c3\u00a9 \u00e9',
        'Content-Length: 5',
        '',
        bytes.toString('latin1'),
      ].join('\r\n'),
    );
  });

  it('takes the path of --to, keeps the recorded query, and lets that of --to win', async () => {
    await save('one.json', fixture({ method: 'GET', body: { text: '' } }));
    expect((await replay(`${socket.url}/other?y=3`, 'one.json')).code).toBe(0);
    expect(socket.bytes()).toMatch(/^GET \/other\?y=3&x=1 HTTP\/1\.1\r\n/);
    expect(socket.bytes()).not.toMatch(/content-length/i);
  });

  it('goes through a directory in the order of its names, as often as --count says', async () => {
    await mkdir(join(directory, 'saved'));
    for (const name of ['b', 'a']) await save(`saved/${name}.json`, fixture({ path: `/${name}` }));
    await writeFile(join(directory, 'saved/notes.txt'), 'no recording');
    const { stdout } = await replay(socket.url, 'saved', '--count', '3', '--json');
    expect((JSON.parse(stdout) as { path: string }[]).map(({ path }) => path)).toEqual([
      ...['/a', '/b', '/a'],
    ]);
    const files = [...socket.bytes().matchAll(/POST \/(\w)/g)].map((match) => match[1]);
    expect(files).toEqual(['a', 'b', 'a']);
  });

  it('prints with --dry-run what it would send, a filled-in secret masked', async () => {
    await save('one.json', fixture({ masked: ['x-signature'] }));
    const { stdout, code } = await replay(socket.url, 'one.json', '--secret', 'S3', '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('x-signature: ***\r\n');
    expect(stdout).not.toContain('S3');
    expect(socket.bytes()).toBe('');
  });

  it('says in one line what will not hold', async () => {
    await save('1.json', fixture({ redacted: true }));
    await save('2.json', fixture({ masked: ['x-signature'] }));
    await save('3.json', fixture({ masked: ['authorization'], path: '/v1/t?writeKey=[masked]' }));
    const { stderr } = await replay(socket.url, '1.json', '2.json', '3.json');
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/^trackbridge: 1\.json: .*signature will be invalid.*--secret/),
      expect.stringMatching(/^trackbridge: 2\.json and 1 more: .*masked.*--header/),
      expect.stringMatching(/^trackbridge: 3\.json: .*masked value.*--to/),
      '',
    ]);
    expect((await replay(`${socket.url}?writeKey=K`, '3.json', '--secret', 'S3')).stderr).toBe('');
    expect(socket.bytes()).toMatch(/POST \/v1\/t\?writeKey=K HTTP[\s\S]*authorization: S3\r\n/);
  });

  it.each([
    ['no such file', undefined, [], /nothing\.json/],
    ['what is not JSON', 'secret text', [], /not JSON/],
    ['another JSON', { type: 'track' }, [], /"trackbridge": 1/],
    ['a path that is none', fixture({ path: 'http://x/' }), [], /path/],
    ['a path with a line end', fixture({ path: '/x\r\nX: y' }), [], /path/],
    ['a header with a line end', fixture({ headers: [['a', 'b\r\nc: d']] }), [], /headers/],
    ['a method that is none', fixture({ method: 'GET /' }), [], /method/],
    ['no body', { ...fixture(), body: {} }, [], /body/],
    ['a signed part that is none', { ...fixture(), signed: 'all' }, [], /signed/],
    ['a vendor beside it', fixture(), ['--as', 'segment'], /--as/],
    ['retries', fixture(), ['--retry'], /--retry/],
  ])('leaves with 2 and one line on %s', async (_, content, more, named) => {
    const name = content === undefined ? 'nothing.json' : 'one.json';
    if (content !== undefined) {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      await writeFile(join(directory, name), text);
    }
    const { code, stdout, stderr } = await replay(socket.url, name, ...more);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^trackbridge: [^\n]+\n$/);
    expect(stderr).toMatch(named);
    expect(stderr).not.toContain('secret text');
    expect(socket.bytes()).toBe('');
  });
});

describe('send --replay, to the program', () => {
  const SECRET = 'the-secret-of-today';
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver({
      env: { SEGMENT_SHARED_SECRET: SECRET, RUDDERSTACK_SHARED_SECRET: SECRET, PORT: '0' },
    });
  });
  afterAll(async () => {
    await receiver.end();
    await rm(receiver.directory, { recursive: true, force: true });
  });

  const [one, two] = [trackText('re-1'), trackText('re-2')];
  it.each([
    ['a single event', one],
    ['a batch', `[ ${one} , ${two} ]`],
    ['a batch of the extensible webhook', `[{"json":${one}},{"json":${two}}]`],
    ['whitespace that no serializer writes', ` ${one}\n`],
  ])('is refused under the old signature and taken under a new one: %s', async (_, text) => {
    const old = sign(text, 'the-secret-of-yesterday');
    await save('one.json', fixture({ headers: [['x-signature', old]], body: { text } }));
    const again = (...args: string[]) => replay(receiver.url, 'one.json', ...args);
    expect(await again('--expect', 'status:401')).toMatchObject({ code: 0, stderr: '' });
    expect(await again('--secret', SECRET, '--expect', 'status:200')).toMatchObject({ code: 0 });
  });

  it.each([
    ['body', (batch: string) => batch],
    ['first-element', (_: string, first: string) => first],
  ] as const)('signs the part that the recorded signature was over: %s', async (signed, part) => {
    const text = `[${one},${two}]`;
    const headers = [['x-signature', sign(text, 'old')] as const];
    await save('one.json', fixture({ headers, body: { text }, signed }));
    const { stdout } = await replay(receiver.url, 'one.json', '--secret', SECRET, '--dry-run');
    expect(stdout).toContain(`x-signature: ${sign(part(text, one), SECRET)}\r\n`);
  });

  it('fills in a shared secret that was masked', async () => {
    const masked = fixture({
      path: '/rudderstack',
      masked: ['X-Forwarded-For', 'x-signature'],
      body: { text: one },
    });
    await save('one.json', masked);
    const again = (...args: string[]) => replay(receiver.url, 'one.json', ...args);
    expect((await again('--expect', 'status:401')).code).toBe(0);
    expect((await again('--secret', SECRET, '--expect', 'status:200')).code).toBe(0);
    const { stdout } = await again('--secret', SECRET, '--dry-run');
    expect(stdout).not.toMatch(/forwarded/i);
  });
});
