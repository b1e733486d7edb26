import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rawConnection } from '../http/sockets.js';
import { eventually, type Receiver, runCommand, startReceiver } from '../support/receiver.js';

/** Clears a screen, renames a window, starts a line, writes from right to left. */
const STEERING = '\u001b[2J\u001b]0;owned\u0007\u009b31m\r\n\u2028\u202e\u007f\u0000';
/** What must reach neither a terminal nor a log; line feeds end lines. */
const UNSAFE = /[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e]|\p{Cs}/u;
const TOKEN = 'the-token-of-the-admin';
let receiver: Receiver;
let refusing: Server;

beforeAll(async () => {
  // What a sink's server says is foreign too.
  refusing = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(400).end(`no ${STEERING}`));
  });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  receiver = await startReceiver({
    env: { LOG_LEVEL: 'debug' },
    config: {
      server: { port: 0, trustProxy: true },
      admin: { port: 0, token: TOKEN },
      sources: {
        open: {
          type: 'rudderstack',
          path: '/open',
          verify: { scheme: 'none' },
          cors: { origins: ['*'] },
        },
      },
      sinks: {
        terminal: { type: 'stdout', format: 'pretty' },
        far: {
          type: 'http',
          url: `http://127.0.0.1:${(refusing.address() as AddressInfo).port}/`,
          allowPrivateAddresses: true,
        },
      },
    },
  });
});
afterAll(async () => {
  expect(await receiver.end()).toBe(0);
  refusing.close();
});

const post = (event: object): Promise<Response> =>
  fetch(`${receiver.url}/open`, { method: 'POST', body: JSON.stringify(event) });
const run = async (...args: string[]): Promise<string> => {
  const admin = ['--admin', receiver.adminUrl, '--token', TOKEN];
  const { code, stdout, stderr } = await runCommand([...args, ...admin]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return stdout;
};
const send = async (bytes: string): Promise<string> => {
  const { socket, closed } = await rawConnection(Number(new URL(receiver.url).port));
  socket.end(bytes, 'latin1');
  return await closed();
};

describe('what would steer a terminal', () => {
  it('is shown as escapes in the lines of the terminal sink, one an event', async () => {
    const before = receiver.stdout().split('\n').length;
    const hostile = {
      ...{ type: 'track', event: STEERING, messageId: `m${STEERING}`, userId: STEERING },
    };
    expect((await post(hostile)).status).toBe(200);
    expect((await post({ type: 'page', name: STEERING, anonymousId: STEERING })).status).toBe(200);
    const text = await eventually(
      () => receiver.stdout(),
      (all) => all.split('\n').length >= before + 2,
    );
    expect(text.split('\n')).toHaveLength(before + 2);
    expect(text).not.toMatch(UNSAFE);
    expect(text).toContain('\\u001b[2J');
  });

  it('is shown as escapes by the commands that list and show', async () => {
    await post({ type: STEERING, messageId: STEERING });
    await post({ type: 'track', event: STEERING, messageId: `dead${STEERING}` });
    type Entries = readonly { readonly id: string }[];
    for (const command of ['dead-letters', 'quarantine']) {
      const [entry] = await eventually(
        async () => JSON.parse(await run(command, 'list', '--json', '--payload')) as Entries,
        (entries) => entries.length > 0,
      );
      const shown = [
        await run(command, 'list'),
        await run(command, 'list', '--json', '--payload'),
        await run(command, 'show', String(entry?.id)),
      ];
      for (const text of shown) expect(text).not.toMatch(UNSAFE);
      // As JSON it is still what was sent.
      expect(JSON.stringify(JSON.parse(String(shown[1])))).toContain(
        JSON.stringify(STEERING).slice(1, -1),
      );
    }
    expect(await run('stats')).not.toMatch(UNSAFE);
  });
});

describe('what a sender chooses', () => {
  it('makes no line of the log, and no character of it that is not printable', async () => {
    const forged = '{"level":"error","msg":"forged"}';
    await fetch(`${receiver.url}/open/track/${encodeURIComponent(`\n${forged}${STEERING}`)}?a=%zz`);
    await fetch(`${receiver.url}/${encodeURIComponent(STEERING)}`);
    // Header values may hold any byte but controls of ASCII: latin1 makes C1 controls of them.
    await send(
      `POST /open HTTP/1.1\r\nx-forwarded-for: \x9b2J\x85${forged}\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{`,
    );
    const stderr = await eventually(
      () => receiver.stderr(),
      (text) => text.includes('"code":"BODY_MALFORMED"'),
    );
    expect(stderr).not.toMatch(UNSAFE);
    // An entry that is not an address is ignored, and the path stays as it was sent.
    expect(stderr).not.toMatch(/forged|2J/);
    for (const line of stderr.trim().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ msg: expect.not.stringMatching('^forged$') });
    }
  });

  it('comes back in no header but what CORS asks for, and there starts no line', async () => {
    const text = await send(
      'OPTIONS /open HTTP/1.1\r\norigin: https://a.example\r\naccess-control-request-method: POST\r\naccess-control-request-headers: x-a\x85set-cookie: b\r\nx-request-id: chosen\r\nconnection: close\r\n\r\n',
    );
    expect(text).not.toMatch(/\r\nset-cookie/i);
    expect(text).not.toContain('chosen');
    const folded = await send(
      'OPTIONS /open HTTP/1.1\r\norigin: https://a.example\r\naccess-control-request-headers: x-a\r\n set-cookie: b\r\n\r\n',
    );
    expect(folded).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('is no part of the name of an answer, whatever the path', async () => {
    const text = await send(
      'GET /nowhere%0d%0aset-cookie:%20a HTTP/1.1\r\nconnection: close\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
    expect(text).not.toMatch(/\r\nset-cookie/i);
  });
});
