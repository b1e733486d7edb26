import { once } from 'node:events';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeAdmin, fakeAdmin, summaryOf } from '../support/fake-admin.js';
import {
  eventually,
  type Receiver,
  runCommand,
  startCommand,
  startReceiver,
  wholeLines,
} from '../support/receiver.js';
import { deliverSegment, sign, trackText } from '../support/sender.js';

describe('tail, of whatever has the API', () => {
  let admin: FakeAdmin;
  beforeEach(async () => {
    admin = await fakeAdmin();
  });
  afterEach(async () => await admin.stop());
  const listening = async (): Promise<unknown> =>
    await eventually(
      () => admin.asked,
      (paths) => paths.length > 0,
    );

  it('shows lines without colours in a pipe, and ends with 0 on Ctrl-C', async () => {
    const tail = startCommand(['tail', '--admin', admin.url]);
    await listening();
    admin.send('delivery', summaryOf('m-1'));
    await eventually(tail.stdout, (text) => text.endsWith('\n'));
    tail.child.kill('SIGINT');
    expect(await tail.ended).toBe(0);
    expect(tail.stderr()).toBe('');
    expect(tail.stdout()).toMatch(/^[\x20-\x7e]*Order Completed[\x20-\x7e]*\n$/);
  });

  it('ends with 0 where its reader leaves, as head does', async () => {
    const tail = startCommand(['tail', '--admin', admin.url]);
    await listening();
    tail.child.stdout?.destroy();
    await once(tail.child.stdout ?? tail.child, 'close');
    const sending = setInterval(() => admin.send('delivery', summaryOf(`m-${Math.random()}`)), 10);
    expect(await tail.ended.finally(() => clearInterval(sending))).toBe(0);
    expect(tail.stderr()).toBe('');
  });

  it.each([
    [401, /^trackbridge: [^\n]*401: told so\n$/],
    [503, /^trackbridge: [^\n]*503: told so\n$/],
  ])('ends with 1 and one line where it is refused: %i', async (status, said) => {
    admin.refusal = status;
    const { code, stdout, stderr } = await runCommand(['tail', '--admin', admin.url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(said);
  });
});

it('ends with 1 and one line where nobody listens', async () => {
  const { code, stdout, stderr } = await runCommand(['tail', '--admin', 'http://127.0.0.1:1']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^trackbridge: no answer[^\n]*check that it is running[^\n]*\n$/);
});

describe('tail, of this receiver', () => {
  const SECRET = 'a-long-enough-secret';
  const token = 'a-token-for-the-test';
  const redact = ['properties.card'];
  const verify = { scheme: 'segment-signature', secrets: [SECRET] };
  let receiver: Receiver;
  const start = async (admin: object): Promise<void> => {
    receiver = await startReceiver({
      config: {
        server: { port: 0 },
        admin: { port: 0, token, redact, ...admin },
        outbox: { type: 'memory' },
        sources: { segment: { type: 'segment', path: '/segment', verify } },
        sinks: {},
      },
    });
  };
  afterEach(async () => {
    await receiver.end('SIGKILL');
    await rm(receiver.directory, { recursive: true, force: true });
  });
  const args = (...more: string[]): string[] => ['tail', '--admin', receiver.adminUrl, ...more];
  const options = () => ({ cwd: receiver.directory, env: { TRACKBRIDGE_ADMIN_TOKEN: token } });
  const deliver = async (id: string, signedBy = SECRET): Promise<number> =>
    (await deliverSegment(`${receiver.url}/segment`, trackText(id), signedBy)).status;

  it('shows what was recorded by its filters, and saves what can be sent again', async () => {
    await start({ record: {} });
    expect([await deliver('m-1'), await deliver('m-2', 'wrong'), await deliver('m-3')]).toEqual([
      ...[200, 401, 200],
    ]);
    const refused = await runCommand(
      args('--last', '9', '--count', '1', '--outcome', 'refused', '--json'),
      options(),
    );
    expect(JSON.parse(refused.stdout)).toMatchObject({ status: 401, verified: false });
    const one = args('--last', '9', '--count', '1', '--text', 'm-3', '--save', 'saved');
    expect(await runCommand(one, options())).toMatchObject({ code: 0, stderr: '' });
    const [file = '', ...more] = await readdir(join(receiver.directory, 'saved'));
    expect(more).toEqual([]);
    const fixture = JSON.parse(
      await readFile(join(receiver.directory, 'saved', file), 'utf8'),
    ) as object;
    expect(fixture).toMatchObject({ body: { text: trackText('m-3') }, signed: 'body' });
    const again = ['send', '--replay', 'saved', '--to', receiver.url, '--json'];
    const { stdout } = await runCommand(again, options());
    expect(JSON.parse(stdout)).toMatchObject([
      { status: 200, answer: expect.stringContaining('"duplicates":1') },
    ]);
  });

  it('needs no recording for what comes while it looks, nor shows what is redacted', async () => {
    await start({});
    const tail = startCommand(
      args('--json', '--record', '--save', 'saved', '--count', '1'),
      options(),
    );
    const text = trackText('m-1', { properties: { card: '4111' } });
    const send = async (): Promise<string> => {
      await deliverSegment(`${receiver.url}/segment`, text, SECRET);
      return tail.stdout();
    };
    // Until its stream is open, nothing is shown.
    const shown = await eventually(send, (said) => wholeLines(said).length > 0);
    expect(await tail.ended).toBe(0);
    const record = JSON.parse(wholeLines(shown)[0] ?? '') as { events: object[] };
    expect(record.events).toMatchObject([{ decoded: { properties: { card: '[redacted]' } } }]);
    expect(tail.stdout()).not.toContain('4111');
    const [file = ''] = await readdir(join(receiver.directory, 'saved'));
    const saved = await readFile(join(receiver.directory, 'saved', file), 'utf8');
    expect(JSON.parse(saved)).toMatchObject({
      redacted: true,
      headers: expect.arrayContaining([['x-signature', sign(text, SECRET)]]),
    });
    expect(saved).not.toContain('4111');
  });
});
