import { existsSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificate } from '../support/certificate.js';
import {
  makeDirectory,
  NotStarted,
  type Receiver,
  runCommand,
  startReceiver,
} from '../support/receiver.js';

const running: Receiver[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((receiver) => receiver.end()));
});

async function start(directory: string, config: object): Promise<Receiver> {
  const receiver = await startReceiver({ directory, config });
  running.push(receiver);
  return receiver;
}

/** Resolves to the status of a probe over TLS; rejects if `ca` did not issue the certificate. */
function probe(url: string, ca: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = { ca, servername: 'localhost', agent: false };
    const sent = request(`${url.replace('http:', 'https:')}/livez`, options, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sent.once('error', reject);
    sent.end();
  });
}

describe('a receiver with TLS', () => {
  it.each([1, 2])('gets another certificate by a reload, with %i workers', async (workers) => {
    const directory = await makeDirectory();
    const write = ({ cert, key }: { readonly cert: string; readonly key: string }): void => {
      writeFileSync(join(directory, 'own.crt'), cert);
      writeFileSync(join(directory, 'own.key'), key);
    };
    const [first, next] = [makeCertificate('localhost'), makeCertificate('localhost')];
    write(first);
    const tls = { certFile: 'own.crt', keyFile: 'own.key' };
    const { url } = await start(directory, {
      server: { port: 0, workers, tls },
      admin: { socket: 'admin.sock' },
    });
    const reload = () => runCommand(['reload', '--config', 'trackbridge.json'], { cwd: directory });
    expect(await probe(url, first.cert)).toBe(200);

    write({ ...next, key: first.key });
    const rejected = await reload();
    expect(rejected.stderr).toContain('server.tls.keyFile: own.key does not belong to');
    expect([rejected.code, await probe(url, first.cert)]).toEqual([2, 200]);

    write(next);
    expect((await reload()).stdout).toBe('reloaded: server.tls changed\n');
    for (let at = 0; at < 2 * workers; at++) expect(await probe(url, next.cert)).toBe(200);
    await expect(probe(url, first.cert)).rejects.toThrow('self-signed certificate');
  });
});

describe('a receiver on Unix sockets', () => {
  const config = { server: { socket: 'server.sock' }, admin: { socket: 'admin.sock' } };

  it('is reached over them, and replaces those that a killed receiver left', async () => {
    const directory = await makeDirectory();
    const killed = await start(directory, config);
    const path = join(directory, 'admin.sock');
    expect(statSync(path).mode & 0o777).toBe(0o660);
    for (const option of [
      ['--config', 'trackbridge.json'],
      ['--admin', `unix:${path}`],
    ]) {
      const { code, stdout } = await runCommand(['stats', ...option], { cwd: directory });
      expect([code, stdout]).toEqual([0, expect.stringContaining('accepted')]);
    }
    await killed.end('SIGKILL');
    expect(existsSync(path)).toBe(true);
    const again = await start(directory, config);
    expect(await again.end()).toBe(0);
    expect(existsSync(path)).toBe(false);
  });

  it('does not start on a socket of another receiver', async () => {
    const directory = await makeDirectory();
    await start(directory, config);
    const other = { server: { socket: join(directory, 'server.sock') } };
    const error = await start(await makeDirectory(), other).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(NotStarted);
    expect((error as NotStarted).said).toContain('another process listens on it');
  });
});
