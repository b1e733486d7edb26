import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { trackText } from '../support/sender.js';
import type { FuzzRequest } from './request.js';
import { SECRET } from './target.js';

interface Recorded {
  readonly cases: readonly {
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly delivery?: {
      readonly method: string;
      readonly requestUri: string;
      readonly rawHeaders: readonly (readonly [string, string])[];
      readonly body: string;
    };
  }[];
}

const FORM = 'application/x-www-form-urlencoded';
const FRAMING = /^(content-length|transfer-encoding)$/i;

/** Requests that are taken as they stand: recorded ones of both vendors, and one of every other kind. */
export function corpus(): readonly FuzzRequest[] {
  return [...segmentRequests(), ...rudderstackRequests(), ...otherRequests()];
}

function read(name: string): Recorded['cases'] {
  const url = new URL(`../fixtures/${name}`, import.meta.url);
  return (JSON.parse(readFileSync(url, 'utf8')) as Recorded).cases;
}

function segmentRequests(): FuzzRequest[] {
  return read('segment-signatures.json').map(({ headers = {}, body = '' }) =>
    post('/segment', body, Object.entries(headers)),
  );
}

function rudderstackRequests(): FuzzRequest[] {
  return read('rudderstack-wire.json').flatMap(({ delivery }) => {
    if (delivery === undefined) return [];
    const { method, requestUri, rawHeaders, body } = delivery;
    return {
      method,
      target: requestUri.replace(
        /^\/[^?]*/,
        method === 'GET' ? '/rudderstack/track/A' : '/open-rs',
      ),
      headers: [
        ...rawHeaders.filter(([name]) => !FRAMING.test(name)),
        ['X-Signature', SECRET] as const,
      ],
      body: Buffer.from(body),
      framing: body === '' ? ('none' as const) : ('length' as const),
    };
  });
}

function otherRequests(): FuzzRequest[] {
  const form =
    'type=track&event=A+B&messageId=form&userId=%C3%A9&properties[a][0]=1&properties[b]=%7B%7D';
  const xml =
    '<?xml version="1.0"?><root><type>track</type><event>A</event><properties><a x="1">1</a><a>2</a><![CDATA[c]]></properties></root>';
  const multipart = ['type', 'track', 'event', 'A', 'properties', '{"a":1}']
    .map((text, index) =>
      index % 2 === 0
        ? `--b\r\nContent-Disposition: form-data; name="${text}"\r\n\r\n`
        : `${text}\r\n`,
    )
    .join('')
    .concat(
      '--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\nfile\r\n--b--\r\n',
    );
  const envelope = JSON.stringify({
    v: 1,
    event: { type: 'track', event: 'A', messageId: 'enveloped' },
    properties: { a: 's', b: ['n', { c: '=text' }] },
  });
  return [
    post('/open', form, [['Content-Type', FORM]]),
    post('/open', xml, [['Content-Type', 'application/xml']]),
    post('/open', multipart, [['Content-Type', 'multipart/form-data; boundary=b']]),
    post('/open', gzipSync(trackText('gzip')), [['Content-Encoding', 'gzip']]),
    post('/open', `[${trackText('b1')},{"type":"nonsense"},null]`),
    post('/open', `{"batch":[${trackText('e1')}],"sentAt":"2026-01-02T03:04:05Z","context":{}}`),
    post('/open', `[{"json":${trackText('w1')}},{"body":"type=track&event=A"}]`),
    post('/untyped', '{"cool":true,"messageId":"u1"}'),
    post('/key', `{"type":"track","event":"A","writeKey":"${SECRET}"}`),
    post('/token', trackText('t1'), [['Authorization', 'Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA']]),
    post('/kept', trackText('k1')),
    { ...post('/open', trackText('chunked')), framing: 'chunked' },
    post('/open', trackText('expect'), [['Expect', '100-continue']]),
    get('GET', '/open-rs/track/Order%20Completed?a.b[0].c=1&a.b[1]=%3Cnil%3E&x=1e%2B06'),
    get('HEAD', '/open-rs?a=1'),
    get('DELETE', '/open-rs/identify?plan=Enterprise'),
    get('GET', '/open-rs?a=1&b[0].c=2', [['X-Trackbridge-Event', `1/1;${envelope};`]]),
    get('OPTIONS', '/open', [
      ['Origin', 'https://a.example'],
      ['Access-Control-Request-Headers', 'x-signature'],
    ]),
    get('GET', '/livez'),
    get('GET', '/nowhere'),
    get('CONNECT', 'evil.example:443'),
    get('OPTIONS', '*'),
    get('GET', 'http://t/open-rs?a=1', [
      ['Connection', 'Upgrade'],
      ['Upgrade', 'websocket'],
    ]),
  ];
}

function post(
  target: string,
  body: string | Buffer,
  headers: FuzzRequest['headers'] = [['Content-Type', 'application/json']],
): FuzzRequest {
  return { method: 'POST', target, headers, body: Buffer.from(body), framing: 'length' };
}

function get(method: string, target: string, headers: FuzzRequest['headers'] = []): FuzzRequest {
  return { method, target, headers, body: Buffer.alloc(0), framing: 'none' };
}
