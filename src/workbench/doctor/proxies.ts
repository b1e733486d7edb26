import type { Answer } from './exchange.js';

/** What of a request a proxy may be too small for, or may change. */
export type Limit = 'body' | 'line' | 'headers' | 'underscores' | 'path';

/** A proxy, and the setting of each limit; absent if it has none that rejects a delivery. */
export interface KnownProxy {
  readonly name: string;
  readonly settings: Readonly<Partial<Record<Limit, string>>>;
}

const NGINX: KnownProxy = {
  name: 'nginx',
  settings: {
    body: 'set `client_max_body_size 8m;`',
    line: 'set `large_client_header_buffers 4 512k;`',
    headers: 'set `large_client_header_buffers 4 512k;`',
    underscores:
      'set `underscores_in_headers on;`, without which it drops headers with underscores',
    path: 'let `proxy_pass` name no path, which would decode it',
  },
};

const HAPROXY: KnownProxy = {
  name: 'HAProxy',
  settings: {
    line: 'set `tune.bufsize 540672` in `global`',
    headers: 'set `tune.bufsize 540672` and `tune.http.maxhdr 1000` in `global`',
  },
};

const APACHE: KnownProxy = {
  name: 'Apache',
  settings: {
    body: 'set `LimitRequestBody 8388608`',
    line: 'set `LimitRequestLine 524288`',
    headers: 'set `LimitRequestFieldSize 524288` and `LimitRequestFields 0`',
    path: 'set `AllowEncodedSlashes NoDecode`, and `nocanon` in `ProxyPass`',
  },
};

const CADDY: KnownProxy = {
  name: 'Caddy',
  settings: {
    body: 'raise `max_size` of `request_body`',
    line: 'raise `max_header_size` in the global option `servers`',
    headers: 'raise `max_header_size` in the global option `servers`',
  },
};

const FIXED = 'its limit cannot be raised: choose POST without the transformation';

const AWS: KnownProxy = {
  name: 'The Application Load Balancer',
  settings: { line: FIXED, headers: FIXED },
};

/** How a proxy names itself: in the header `Server`, which also answers of the receiver have, or in its error page. */
const SIGNS: readonly (readonly [server: RegExp, page: RegExp | undefined, proxy: KnownProxy])[] = [
  [/^nginx\b|^openresty\b/i, /<center>(?:nginx|openresty)/i, NGINX],
  [/^apache\b/i, /<address>Apache|DTD HTML 2\.0\/\/EN/i, APACHE],
  [/^caddy\b/i, undefined, CADDY],
  [/^awselb\b/i, undefined, AWS],
  // HAProxy sends no `Server`. Its built-in pages have a fixed wording.
  [
    /^haproxy\b/i,
    /<h1>\d{3} [^<]+<\/h1>\n(?:Your browser sent|Request forbidden|The server|No server)/,
    HAPROXY,
  ],
];

/** Returns the proxy that an answer came through or from; undefined if it does not say. */
export function proxyOf(answer: Answer): KnownProxy | undefined {
  if ('error' in answer) return undefined;
  const { body, server, status } = answer;
  return SIGNS.find(
    ([name, page]) => name.test(server) || (status >= 400 && page?.test(body) === true),
  )?.[2];
}

/** Returns the sentence that names the setting; undefined if the proxy has none for this limit. */
export function settingOf({ name, settings }: KnownProxy, limit: Limit): string | undefined {
  const setting = settings[limit];
  return setting === undefined ? undefined : `${name}: ${setting}.`;
}
