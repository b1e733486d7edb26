import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { createServer } from 'node:tls';
import { makeCertificate } from './certificate.js';

/** TLS in front of a port of this machine, as a managed server has it. */
export interface TlsFront {
  readonly port: number;
  /** PEM text of its certificate, which it signed itself. */
  readonly ca: string;
  close(): Promise<void>;
}

/** `name`: what the certificate is for. */
export async function startTlsFront(to: number, name: string): Promise<TlsFront> {
  const { cert: ca, key } = makeCertificate(name);
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
