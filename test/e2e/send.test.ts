import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/core/json.js';
import {
  eventually,
  makeDirectory,
  type Receiver,
  readEvents,
  runCommand,
  startReceiver,
} from '../support/receiver.js';
import { type RecordingSocket, recordingSocket } from '../support/recording-socket.js';

const SECRET = 'a-long-enough-secret';
const env = { SEGMENT_SHARED_SECRET: SECRET, RUDDERSTACK_SHARED_SECRET: SECRET };

describe('send, to the program', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver({ env: { ...env, PORT: '0' } });
  });
  afterAll(async () => {
    await receiver.end();
    await rm(receiver.directory, { recursive: true, force: true });
  });
  const send = async (vendor: 'segment' | 'rudderstack', ...args: string[]) =>
    await runCommand(['send', '--to', `${receiver.url}/${vendor}`, '--as', vendor, ...args], {
      cwd: receiver.directory,
      env,
    });
  const arrived = async (ids: readonly unknown[]) =>
    await eventually(
      async () =>
        (await readEvents(join(receiver.directory, 'data/events.ndjson'))).filter((event) =>
          ids.includes(event['messageId']),
        ),
      (events) => events.length >= ids.length,
    );
  const idsOf = (stdout: string): unknown[] =>
    (JSON.parse(stdout) as { messageIds: unknown[] }[]).flatMap(({ messageIds }) => messageIds);

  it.each([
    ['segment', '--form classic'],
    ['segment', '--form actions --batch 3 --count 2'],
    ['segment', '--form extensible --batch 3'],
    ['segment', '--form audiences --count 6'],
    ['segment', '--form audiences --batch 6'],
    ['segment', '--type delete'],
    ['segment', '--type ecommerce --method PUT --count 28 --rate 100'],
    ['rudderstack', '--type identify --method PATCH'],
    ['rudderstack', '--type record'],
    ['rudderstack', '--batch 2'],
    ['rudderstack', '--form http-form --type group'],
    ['rudderstack', '--form http-xml --type page'],
  ] as const)('%s %s is accepted as authentic', async (vendor, options) => {
    const { code, stdout, stderr } = await send(vendor, ...options.split(' '), '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const events = await arrived(idsOf(stdout));
    expect(events.length).toBeGreaterThan(0);
    if (options.includes('--batch') && vendor === 'segment') return;
    for (const { receipt } of events) expect(receipt).toMatchObject({ authenticated: true });
  });

  it.each(['GET', 'DELETE'])('a %s of RudderStack is accepted', async (method) => {
    expect(await send('rudderstack', '--method', method, '--expect', 'status:200')).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it.each([
    ['segment', '--batch', '7'],
    ['segment', '--rate', '500'],
    ['rudderstack', '--batch', '7'],
    ['rudderstack', '--rate', '500'],
  ] as const)('events of a file arrive as they were, through %s %s', async (vendor, ...options) => {
    // The receiver drops keys that reach a prototype.
    const value = fc
      .object({ maxDepth: 3, values: [fc.string(), fc.double({ noNaN: true }), fc.boolean()] })
      .filter((object) => !/__proto__|constructor/.test(JSON.stringify(object)));
    const samples = fc.sample(value, { numRuns: 40, seed: 20 }).map((properties, index) => ({
      type: 'track',
      event: `E ${index}`,
      messageId: `${vendor}${options[0]}-${index}`,
      userId: `u-${index}`,
      properties: JSON.parse(JSON.stringify(properties)) as JsonObject,
    }));
    await writeFile(join(receiver.directory, 'mine.json'), JSON.stringify(samples));
    const { code } = await send(vendor, '--file', 'mine.json', ...options);
    expect(code).toBe(0);
    const events = await arrived(samples.map(({ messageId }) => messageId));
    for (const sample of samples) {
      const event = events.find(({ messageId }) => messageId === sample.messageId);
      expect(event).toMatchObject(sample);
      expect(event?.['properties']).toEqual(sample.properties);
    }
  });

  it('says of what was refused that it went without a secret', async () => {
    const to = ['send', '--to', `${receiver.url}/rudderstack`, '--as', 'rudderstack'];
    const none = { SEGMENT_SHARED_SECRET: '', RUDDERSTACK_SHARED_SECRET: '' };
    const { code, stderr } = await runCommand(to, { cwd: receiver.directory, env: none });
    expect(code).toBe(1);
    expect(stderr).toMatch(/401.*without a secret: set RUDDERSTACK_SHARED_SECRET or --secret\n$/);
  });

  it('fails in one line where the secret is wrong, unless that is what was expected', async () => {
    const wrong = ['--secret', 'not-the-secret-of-it'];
    const { code, stderr } = await send('segment', ...wrong);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^trackbridge: [^\n]*401[^\n]*\n$/);
    expect(stderr).not.toMatch(/not-the-secret|without a secret/);
    expect((await send('segment', ...wrong, '--expect', 'status:401')).code).toBe(0);
    const unmet = await send('segment', '--expect', 'status:200,503', '--count', '2');
    expect(unmet).toMatchObject({
      code: 1,
      stderr: 'trackbridge: --expect failed: answer 2 should have been 503, it was 200\n',
    });
  });
});

describe('send, to a socket', () => {
  let socket: RecordingSocket | undefined;
  afterEach(() => socket?.close());
  const listen = async (statuses: number[]): Promise<RecordingSocket> => {
    socket = await recordingSocket(statuses);
    return socket;
  };

  it('puts RudderStack’s bytes on the wire, two lines of one name included', async () => {
    const { url, bytes } = await listen([]);
    const directory = await makeDirectory();
    const event = { type: 'track', header: { 'Content-Type': 'a/b', 'X-N': 10 }, appendPath: '/y' };
    await writeFile(join(directory, 'event.json'), JSON.stringify(event));
    const { code } = await runCommand(
      ['send', '--to', `${url}/x`, '--as', 'rudderstack', '--file', 'event.json'],
      { cwd: directory, env },
    );
    await rm(directory, { recursive: true });
    expect(code).toBe(0);
    expect(bytes().split('\r\n')).toEqual([
      'POST /x/y HTTP/1.1',
      `Host: ${new URL(url).host}`,
      'User-Agent: RudderLabs',
      'Content-Length: 16',
      'Content-Type: a/b',
      'Content-Type: application/json',
      'X-N: 10',
      `X-Signature: ${SECRET}`,
      'Accept-Encoding: gzip',
      '',
      '{"type":"track"}',
    ]);
  });

  it('sends to the path that appendPath or path parameters make', async () => {
    const { url, bytes } = await listen([]);
    const to = ['send', '--to', `${url}/x`, '--as', 'rudderstack'];
    const params = ['--path-param', 'contacts', '--path-param', '$.type'];
    const codes = [
      await runCommand([...to, '--append-path', '/products/42'], { env }),
      await runCommand([...to, '--form', 'http-json', ...params], { env }),
    ].map(({ code }) => code);
    expect(codes).toEqual([0, 0]);
    expect(bytes().match(/POST \S+ HTTP\/1\.1/g)).toEqual([
      'POST /x/products/42 HTTP/1.1',
      'POST /x/contacts/track HTTP/1.1',
    ]);
  });

  it('puts Segment’s bytes on the wire', async () => {
    const { url, bytes } = await listen([]);
    const args = ['send', '--to', `${url}/s`, '--as', 'segment', '--header', 'X-Token: t'];
    expect((await runCommand(args)).code).toBe(0);
    const [head = '', body = ''] = bytes().split('\r\n\r\n');
    expect(head.split('\r\n')).toEqual([
      'POST /s HTTP/1.1',
      'user-agent: Segment (Actions)',
      'content-type: application/json',
      'X-Token: t',
      'Accept: */*',
      `Content-Length: ${body.length}`,
      'Accept-Encoding: gzip,deflate',
      `Host: ${new URL(url).host}`,
      'Connection: keep-alive',
    ]);
  });

  it('asks for an audience as Segment does: extras first, unsigned', async () => {
    const { url, bytes } = await listen([]);
    const args = ['send', '--to', `${url}/audiences`, '--as', 'segment', '--extras', '{"list":7}'];
    const form = async (name: string) =>
      (await runCommand([...args, '--form', name], { env })).code;
    expect([await form('audience-create'), await form('audience-get')]).toEqual([0, 0]);
    expect(bytes()).toContain('{"list":7,"audienceName":"first_time_shopper"}');
    expect(bytes()).toContain('{"list":7,"externalId":"audience-1"}');
    expect(bytes()).not.toMatch(/x-signature/i);
  });

  it.each([
    ['segment', [503, 429, 200], 'status:503,429,200'],
    ['segment', [408], 'status:408'],
    ['rudderstack', [408, 500, 200], 'status:408,500,200'],
    ['rudderstack', [422], 'status:422'],
  ])('--retry tries again when %s would: %j', async (vendor, statuses, expected) => {
    const { url } = await listen([...statuses]);
    const retry = ['--retry', '--time-scale', '10000', '--expect', expected];
    expect(await runCommand(['send', '--to', url, '--as', vendor, ...retry])).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it('batches anew what it sends again for Segment, and loses no event', async () => {
    const { url } = await listen([503, 503]);
    const args = ['send', '--to', url, '--as', 'segment', '--batch', '20', '--count', '2'];
    const { stdout } = await runCommand([...args, '--retry', '--time-scale', '10000', '--json']);
    const attempts = JSON.parse(stdout) as { status: number; messageIds: string[] }[];
    const [first] = attempts;
    const taken = attempts.filter(({ status }) => status === 200);
    expect(new Set(taken.flatMap(({ messageIds }) => messageIds)).size).toBe(40);
    expect(taken.map(({ messageIds }) => messageIds)).not.toContainEqual(first?.messageIds);
  });

  it('does not follow an event that leads elsewhere', async () => {
    const { url, bytes } = await listen([]);
    const directory = await makeDirectory();
    const event = { type: 'track', fullPath: 'https://production.example/hook' };
    await writeFile(join(directory, 'event.json'), JSON.stringify(event));
    const args = ['send', '--to', url, '--as', 'rudderstack', '--file', 'event.json'];
    const { code, stderr } = await runCommand(args, { cwd: directory });
    await rm(directory, { recursive: true });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^trackbridge: [^\n]*production\.example[^\n]*\n$/);
    expect(bytes()).toBe('');
  });

  it('prints with --dry-run what it would send, the secret masked, and sends nothing', async () => {
    const { url, bytes } = await listen([]);
    const args = ['send', '--to', url, '--as', 'rudderstack', '--dry-run'];
    const { code, stdout } = await runCommand(args, { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^POST \/ HTTP\/1.1\r\n/);
    expect(stdout).toContain('X-Signature: ***\r\n');
    expect(stdout).not.toContain(SECRET);
    expect(bytes()).toBe('');
  });
});

describe('send', () => {
  it('says in one line that nobody listens', async () => {
    const { code, stderr } = await runCommand([
      'send',
      '--to',
      'http://127.0.0.1:1/',
      '--as',
      'segment',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^trackbridge: [^\n]*ECONNREFUSED[^\n]*\n$/);
  });

  it.each([
    ['--as segment', /--to/],
    ['--to http://x/', /--as segment/],
    ['--to http://x/ --as rudderstack --type engage', /--as segment/],
    ['--to http://x/ --as segment --extras {}', /--form audiences/],
    ['--to http://x/ --as segment --form audiences --extras []', /--extras/],
    ['--to http://x/ --as segment --append-path /a', /--form webhook/],
    ['--to http://x/ --as rudderstack --path-param a', /--form http-json/],
    ['--to http://x/ --as rudderstack --form http-json --path-param a/b', /--path-param/],
    ['--to http://x/ --as rudderstack --form http-json --path-param $.nothing', /--path-param/],
    ['--to http://x/ --as segment --form audience-get --batch 2', /--batch/],
    ['--to nowhere --as segment', /--to/],
    ['--to http://u:pass@x/ --as segment', /--header/],
    ['--to http://x/ --as mixpanel', /--as/],
    ['--to http://x/ --as segment --method GET', /POST, PUT, PATCH/],
    ['--to http://x/ --as segment --form webhook', /actions/],
    ['--to http://x/ --as rudderstack --form webhook --batch 2', /http-json/],
    ['--to http://x/ --as segment --batch 0', /--batch/],
    ['--to http://x/ --as segment --rate -1', /--rate/],
    ['--to http://x/ --as segment --expect 200', /--expect/],
    ['--to http://x/ --as segment --header nonsense', /--header/],
    ['--to http://x/ --as segment --file not-there.json', /--file/],
    ['--to http://x/ --as segment --time-scale 5', /--retry/],
  ])('leaves with 2 and one line on wrong usage: %s', async (words, named) => {
    const { code, stdout, stderr } = await runCommand(['send', ...words.split(' ')]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^trackbridge: [^\n]+\n$/);
    expect(stderr).toMatch(named);
  });
});
