import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, startCluster } from '../../support/postgres-cluster.js';
import { requireServer } from '../../support/servers.js';
import { sinkEvent } from '../events.js';
import { makeSink, never, PORT } from './setup.js';

const there = await requireServer('PostgreSQL', PORT);
const PASSWORD = 'p@ss:word/?#';

/** A certificate that vouches for itself, for 127.0.0.1. */
async function makeCertificate(): Promise<{ cert: string; key: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'trackbridge-certificate-'));
  const [cert, key] = [join(directory, 'cert'), join(directory, 'key')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const form = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  await promisify(execFile)('openssl', [...form, ...subject, '-keyout', key, '-out', cert]);
  const made = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  await rm(directory, { recursive: true });
  return made;
}

describe.runIf(there)('postgres: a server with passwords and TLS', () => {
  let cluster: Cluster;
  let tls: { cert: string; key: string };
  beforeAll(async () => {
    tls = await makeCertificate();
    cluster = await startCluster({ password: PASSWORD, tls });
  });
  afterAll(() => cluster?.dispose());

  const url = (password: string, more = ''): string =>
    `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${cluster.port}/postgres${more}`;

  it('is connected to over TLS by a certificate that is trusted', async () => {
    const sink = await makeSink({ url: url(PASSWORD), ssl: { ca: tls.cert }, create: true });
    await sink.check();
    expect(await sink.deliver([sinkEvent('m-1')], never())).toEqual([{ ok: true }]);
    await sink.close();
  });

  it.each([
    [
      'a certificate that nobody vouches for',
      PASSWORD,
      {},
      // Node 24 goes on with advice of its own.
      /cannot be reached: self-signed certificate/,
    ],
    [
      'a wrong password',
      'not-the-password',
      undefined,
      /rejected the user or password; check url \(SQLSTATE 28P01\)$/,
    ],
  ])('is not delivered to: %s', async (_, password, ssl, message) => {
    const sink = await makeSink({ url: url(password), create: true, ...(ssl && { ssl }) });
    const error = await sink.check().catch((reason: unknown) => reason);
    await sink.close();
    expect(error).toMatchObject({ retryable: true, message: expect.stringMatching(message) });
    expect(String(error)).not.toContain(password);
    expect(String(error)).not.toContain(encodeURIComponent(password));
  });
});
