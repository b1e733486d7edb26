import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { request as requestHttp1 } from 'node:https';
import { connect as connectTls } from 'node:tls';
import type { ReverseProxy } from './proxy.js';

export interface Sent {
  readonly host: string;
  readonly path: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends the body without its length. */
  readonly isChunked?: boolean;
  /** Sends the body and never ends it. */
  readonly isEndless?: boolean;
}

export interface Answered {
  readonly status: number;
  readonly body: string;
}

export type Client = (proxy: ReverseProxy, sent: Sent) => Promise<Answered>;

/** Sends a request over HTTP/1.1 and TLS. Rejects if the connection ends without an answer. */
export const http1: Client = (proxy, sent) =>
  new Promise((resolve, reject) => {
    const { body = '', headers, host, isChunked, isEndless, method = 'GET', path } = sent;
    const length = isEndless === true ? 1_000 : Buffer.byteLength(body);
    const sized = isChunked === true || method === 'GET' ? {} : { 'content-length': length };
    const request = requestHttp1(
      {
        host: '127.0.0.1',
        port: proxy.port,
        servername: host,
        ca: proxy.ca,
        agent: false,
        method,
        path,
        headers: { host: `${host}:${proxy.port}`, ...sized, ...headers },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.once('close', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    request.once('error', reject);
    if (isEndless === true) request.write(body);
    else request.end(body);
  });

/** Sends a request over HTTP/2. Rejects if the stream or the connection ends without an answer. */
export const http2: Client = async (proxy, sent) => {
  const { body = '', headers, host, isEndless, method = 'GET', path } = sent;
  const session = connectHttp2(`https://${host}:${proxy.port}`, {
    createConnection: () =>
      connectTls({
        host: '127.0.0.1',
        port: proxy.port,
        servername: host,
        ca: proxy.ca,
        ALPNProtocols: ['h2'],
      }),
    // Node would refuse to send what it takes for too many headers.
    maxSendHeaderBlockLength: 1_000_000,
  });
  session.on('error', () => undefined);
  try {
    const stream = session.request(
      {
        ':method': method,
        ':path': path,
        ':scheme': 'https',
        ':authority': `${host}:${proxy.port}`,
        ...headers,
      },
      { endStream: method === 'GET' },
    );
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    if (method !== 'GET') {
      if (isEndless === true) stream.write(body);
      else stream.end(body);
    }
    const failed = once(session, 'close').then(() => {
      throw new Error('the connection ended without an answer');
    });
    failed.catch(() => undefined);
    const [answer] = await Promise.race([once(stream, 'response'), failed]);
    if (!stream.closed && !stream.readableEnded) {
      await Promise.race([once(stream, 'end'), once(stream, 'close')]);
    }
    return { status: Number(answer[constants.HTTP2_HEADER_STATUS]), body: text };
  } finally {
    session.destroy();
  }
};
