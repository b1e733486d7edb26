import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type RawConnection, rawConnection } from '../http/sockets.js';
import { CLI, eventually, type Receiver, startReceiver } from '../support/receiver.js';
import { deliverSegment, sign, trackText } from '../support/sender.js';

const SECRET = 'a-secret-of-this-test';
const SOURCES = {
  segment: {
    type: 'segment',
    path: '/segment',
    verify: { scheme: 'segment-signature', secrets: [SECRET] },
  },
};

let receiver: Receiver | undefined;
const open: RawConnection[] = [];
afterEach(async () => {
  for (const { socket } of open.splice(0)) socket.destroy();
  await receiver?.end('SIGKILL');
  receiver = undefined;
});

const start = async (options: Parameters<typeof startReceiver>[0]): Promise<Receiver> => {
  receiver = await startReceiver(options);
  return receiver;
};
const linesOf = ({ stderr }: Receiver): Record<string, unknown>[] =>
  stderr()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('strangers who are refused', () => {
  it('write a bounded number of lines into the log, and are counted', async () => {
    const running = await start({ config: { server: { port: 0 }, sources: SOURCES, sinks: {} } });
    const { url } = running;
    for (let count = 0; count < 100; count++) {
      expect((await fetch(`${url}/segment`, { method: 'POST', body: '{}' })).status).toBe(401);
      expect((await fetch(`${url}/nowhere/${count}`)).status).toBe(404);
    }
    expect(await running.end()).toBe(0);
    const lines = linesOf(running);
    for (const code of ['UNAUTHENTICATED', 'NOT_FOUND']) {
      const about = lines.filter((line) => line['code'] === code);
      expect(about).toHaveLength(11);
      expect(about.at(-1)).toMatchObject({ level: 'warn', repeated: 90 });
    }
  });
});

describe('strangers who open connections', () => {
  it('displace each other, not a sender that has delivered something', async () => {
    const running = await start({
      config: { server: { port: 0, maxConnections: 20 }, sources: SOURCES, sinks: {} },
    });
    const port = Number(new URL(running.url).port);
    const honest = await rawConnection(port);
    open.push(honest);
    const deliver = async (id: string): Promise<void> => {
      const body = trackText(id);
      honest.write(
        `POST /segment HTTP/1.1\r\nhost: x\r\nx-signature: ${sign(body, SECRET)}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
      await eventually(
        () => honest.text().match(/HTTP\/1.1 200/g)?.length ?? 0,
        (count) => count === Number(id),
      );
    };
    await deliver('1');
    for (let count = 0; count < 100; count++) open.push(await rawConnection(port));
    await deliver('2');
    expect((await deliverSegment(`${running.url}/segment`, trackText('3'), SECRET)).status).toBe(
      200,
    );
    expect(running.stderr()).toContain('server.maxConnections');
  });
});

describe('a process that may open few files', () => {
  // The start itself opens some two hundred modules at once.
  const FILES = 256;

  it('says so, goes on when strangers open more connections than that, and keeps room for its sinks', async () => {
    // The limit is inherited. Node raises its own up to the hard one, so this sets both.
    const directory = (await start({ config: { server: { port: 0 }, sources: {}, sinks: {} } }))
      .directory;
    await receiver?.end();
    await writeFile(
      join(directory, 'trackbridge.json'),
      JSON.stringify({
        server: { port: 0 },
        sources: SOURCES,
        sinks: { archive: { type: 'file', path: './events.ndjson', rotate: { size: '1kb' } } },
      }),
    );
    const child = spawn(
      'sh',
      [
        '-c',
        `ulimit -n ${FILES}; exec "$0" "$1" serve --config trackbridge.json`,
        process.execPath,
        CLI,
      ],
      {
        cwd: directory,
        env: { PATH: process.env['PATH'] ?? '' },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    try {
      const listening = await eventually(
        () => stderr.split('\n').find((line) => line.includes('"msg":"listening"')),
        (line) => line !== undefined,
      );
      const { port } = JSON.parse(String(listening)) as { port: number };
      expect(stderr).toContain('the limit of open files allows fewer connections');
      for (let count = 0; count < 3 * FILES; count++) open.push(await rawConnection(port));
      for (let count = 0; count < 20; count++) {
        const url = `http://127.0.0.1:${port}/segment`;
        const answer = await deliverSegment(url, trackText(`m-${count}`), SECRET);
        expect(answer.status).toBe(200);
      }
      await eventually(
        () => stderr,
        (text) => text.includes('server.maxConnections or the limit of open files was reached'),
      );
      expect(child.exitCode).toBeNull();
      expect(stderr).not.toContain('EMFILE');
    } finally {
      child.kill('SIGKILL');
    }
  });
});
