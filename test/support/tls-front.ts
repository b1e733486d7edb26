import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** TLS in front of a port of this machine, as a managed server has it. */
export interface TlsFront {
  readonly port: number;
  /** PEM text of its certificate, which it signed itself. */
  readonly ca: string;
  close(): Promise<void>;
}

/** `name`: what the certificate is for. */
export async function startTlsFront(to: number, name: string): Promise<TlsFront> {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-tls-'));
  const files = ['-keyout', join(directory, 'key'), '-out', join(directory, 'cert')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  execFileSync('openssl', [...kind, ...files, ...subject], { stdio: 'ignore' });
  const ca = readFileSync(join(directory, 'cert'), 'utf8');
  const key = readFileSync(join(directory, 'key'), 'utf8');
  rmSync(directory, { recursive: true });
  const server = createServer({ cert: ca, key }, (near) => {
    const far = connect({ host: '127.0.0.1', port: to });
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    ca,
    async close() {
      server.close();
      await once(server, 'close');
    },
  };
}
