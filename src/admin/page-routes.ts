import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type Router from '@koa/router';
import { TrackbridgeError } from '../core/errors.js';

/** The directory of the built page: beside this module in `dist`. */
const BUILT = new URL('../workbench/inspector/page/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Allows only the page's own modules, styles and requests. A delivery's content can load nothing, and no text becomes
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
 * Serves the inspector's page at `/`, and its modules and styles below `/inspector/`. The list is fixed and read once,
 * so that no path of a request ever becomes a file path. The page holds no data, and so needs no token.
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
  if (!existsSync(directory)) return new Map();
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return new Map(
    names.flatMap((path) => {
      const name = path.replaceAll('\\', '/');
      const type = /^[\w./-]+$/.test(name) ? TYPES[extname(name)] : undefined;
      return type === undefined
        ? []
        : [[name, { type, bytes: readFileSync(new URL(name, directory)) }] as const];
    }),
  );
}
