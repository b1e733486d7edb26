import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type Router from '@koa/router';
import { TrackbridgeError } from '../errors.js';

/** What the page is built to: beside this module in `dist`. */
const BUILT = new URL('../inspector/page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Own modules and style, own answers, and nothing else: what a delivery holds can bring nothing along, and no text becomes
 * markup or script.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/**
 * The inspector's page at `/`, its modules and style below `/inspector/`: a fixed list, read once, so that no path of a
 * request ever becomes one of a file. It holds no data, and so needs no token.
 */
export function pageRoutes(router: Router, directory = BUILT): void {
  const files = readFiles(directory);
  const index = files.get('index.html');
  router.get('/', (ctx) => {
    if (index === undefined) {
      throw new TrackbridgeError('NOT_FOUND', 'the inspector is not built; run npm run build');
    }
    ctx.set({ 'content-type': index.type, 'content-security-policy': PAGE_POLICY });
    ctx.body = index.bytes;
  });
  for (const [name, { bytes, type }] of files) {
    router.get(`/inspector/${name}`, (ctx) => {
      ctx.set('content-type', type);
      ctx.body = bytes;
    });
  }
}

function readFiles(directory: URL): Map<string, { readonly type: string; readonly bytes: Buffer }> {
  const names = existsSync(directory) ? readdirSync(directory) : [];
  return new Map(
    names.flatMap((name) => {
      const type = /^[\w.-]+$/.test(name) ? TYPES[extname(name)] : undefined;
      return type === undefined
        ? []
        : [[name, { type, bytes: readFileSync(new URL(name, directory)) }] as const];
    }),
  );
}
