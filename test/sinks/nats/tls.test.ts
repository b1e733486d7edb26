import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireServer } from '../../support/servers.js';
import { sinkEvent } from '../events.js';
import { type OwnNats, ownNats } from './server.js';
import { natsSink } from './setup.js';

const there = await requireServer('nats', 4222);

describe.skipIf(!there)('a nats sink over TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-tls-'));
  let server: OwnNats;
  let ca: string;
  beforeAll(async () => {
    const [key, cert] = [join(directory, 'key'), join(directory, 'cert')];
    const name = ['-subj', '/CN=nats.test', '-addext', 'subjectAltName=DNS:localhost'];
    const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
    execFileSync('openssl', [...kind, '-keyout', key, '-out', cert, ...name], { stdio: 'ignore' });
    ca = readFileSync(cert, 'utf8');
    server = await ownNats(`tls { cert_file: "${cert}", key_file: "${key}" }`);
  });
  afterAll(async () => {
    await server.dispose();
    rmSync(directory, { recursive: true });
  });

  it('delivers where the certificate holds', async () => {
    const options = { servers: `tls://localhost:${server.port}`, ssl: { ca } };
    const sink = natsSink({ ...options, stream: 'events', createStream: true });
    await sink.open();
    await sink.check();
    const delivery = sink.deliver([sinkEvent('a')], new AbortController().signal);
    expect(await delivery).toEqual([{ ok: true }]);
    await sink.close();
  });

  it('sends nothing to a certificate of an unknown authority', async () => {
    const sink = natsSink({ servers: `tls://localhost:${server.port}` });
    await expect(sink.check()).rejects.toThrow('DEPTH_ZERO_SELF_SIGNED_CERT');
    await sink.close();
  });

  it('sends nothing in the clear where TLS was asked for', async () => {
    const sink = natsSink({ servers: 'tls://127.0.0.1:4222' });
    await expect(sink.check()).rejects.toThrow(/NATS at/);
    await sink.close();
  });
});
