import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/**
 * Whether a request is signed with this secret, after Amazon's "Signature Version 4" (canonical request, string to sign,
 * derived key); for paths that need no escaping but of `=`. s3rver takes every signature of that version.
 */
export function isSigned(
  { method, url = '', headers }: IncomingMessage,
  body: Buffer,
  secret: string,
): boolean {
  const [, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\S+), SignedHeaders=(\S+), Signature=(\S+)$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const digest = headers['x-amz-content-sha256'];
  if (digest !== sha256(body) || !names.includes('x-amz-content-sha256')) return false;
  const lines = names.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const path = url.replaceAll('=', '%3D');
  const canonical = [method, path, '', lines.join(''), names, digest].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = scope
    .split('/')
    .reduce<Buffer>((from, part) => hmac(from, part), Buffer.from(`AWS4${secret}`));
  return hmac(key, toSign).toString('hex') === signature;
}

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
