import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for the host `name` that signed itself, and its private key, as PEM text. */
export function makeCertificate(name: string): { readonly cert: string; readonly key: string } {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-tls-'));
  const files = ['-keyout', join(directory, 'key'), '-out', join(directory, 'cert')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  execFileSync('openssl', [...kind, ...files, ...subject], { stdio: 'ignore' });
  const cert = readFileSync(join(directory, 'cert'), 'utf8');
  const key = readFileSync(join(directory, 'key'), 'utf8');
  rmSync(directory, { recursive: true });
  return { cert, key };
}
