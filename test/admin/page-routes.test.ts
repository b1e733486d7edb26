import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Router from '@koa/router';
import Koa from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pageRoutes } from '../../src/admin/page-routes.js';
import { close, listen } from './listen.js';

const FILES = {
  'index.html': ['<!doctype html>', 'text/html; charset=utf-8'],
  'main.js': ['export {};', 'text/javascript; charset=utf-8'],
  'list.css': ['body {}', 'text/css; charset=utf-8'],
  'entries/view.js': ['export {};', 'text/javascript; charset=utf-8'],
  'icon.svg': ['<svg/>', 'image/svg+xml'],
} as const;

describe('the inspector’s page', () => {
  let directory: string;
  let url: string;
  const serve = (from: string): Promise<string> => {
    const router = new Router();
    pageRoutes(router, pathToFileURL(`${from}/`));
    const app = new Koa();
    app.silent = true;
    app.use(router.routes() as Koa.Middleware);
    return listen(app);
  };
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'trackbridge-page-'));
    await mkdir(join(directory, 'entries'));
    for (const [name, [text]] of Object.entries(FILES))
      await writeFile(join(directory, name), text);
    await writeFile(join(directory, 'main.js.map'), 'not served');
    await writeFile(join(directory, 'key.pem'), 'not served');
    url = await serve(directory);
  });
  afterAll(async () => {
    close();
    await rm(directory, { recursive: true, force: true });
  });

  it('is served with the types that browsers ask of modules and styles', async () => {
    for (const [name, [text, type]] of Object.entries(FILES)) {
      const answer = await fetch(`${url}/inspector/${name}`);
      expect([answer.status, answer.headers.get('content-type')], name).toEqual([200, type]);
      expect(await answer.text()).toBe(text);
    }
  });

  it('may load its own and nothing else', async () => {
    const answer = await fetch(url);
    expect(await answer.text()).toBe('<!doctype html>');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(policy).not.toContain('unsafe');
  });

  it('gives out no other file, whatever the path', async () => {
    for (const path of ['main.js.map', 'key.pem', '..%2f..%2fpackage.json', '%2e%2e/main.js', '']) {
      expect((await fetch(`${url}/inspector/${path}`)).status, path).toBe(404);
    }
  });

  it('says so where it was not built', async () => {
    const none = await serve(join(directory, 'none'));
    expect((await fetch(none)).status).not.toBe(200);
    expect((await fetch(`${none}/inspector/main.js`)).status).toBe(404);
  });
});
