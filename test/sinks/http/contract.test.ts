import type { ServerResponse } from 'node:http';
import { createHttpSink } from '../../../src/sinks/http/sink.js';
import { type Bench, sinkContract } from '../contract.js';
import { context, defaults } from './setup.js';
import { httpTarget } from './target.js';

for (const body of ['event', 'array', 'batch'] as const) {
  sinkContract(`http with body: ${body}`, async (): Promise<Bench> => {
    const place = await httpTarget();
    const secrets = [
      'hunter2-password',
      'sekret-token-value',
      'whsec_c2VjcmV0LXNpZ25pbmcta2V5',
      'query-key-1',
    ];
    const options = {
      ...defaults,
      body,
      headers: { authorization: 'Bearer sekret-token-value' },
      sign: {
        scheme: 'standard-webhooks',
        secret: 'whsec_c2VjcmV0LXNpZ25pbmcta2V5',
        format: 'base64',
      },
    } as const;
    const at = (port: number): string =>
      `http://me:hunter2-password@127.0.0.1:${port}/in?key=query-key-1`;
    const taken: unknown[] = [];
    const take = (request: { body: string }, response: ServerResponse): void => {
      const parsed: unknown = JSON.parse(request.body);
      const events = body === 'batch' ? Object(parsed).batch : parsed;
      taken.push(...(Array.isArray(events) ? events : [events]));
      response.end();
    };
    place.answer = take;
    return {
      sink: createHttpSink({ ...options, url: at(place.port) }, context),
      // Nothing listens on port 1 of the loopback.
      broken: createHttpSink({ ...options, url: at(1) }, context),
      received: async () => taken,
      stall: () => {
        place.answer = () => {};
      },
      fail: () => {
        // Echoes all it was sent, as debugging endpoints do.
        place.answer = ({ headers, url }, response) => {
          response.statusCode = 500;
          response.end(`${secrets.join(' ')} ${headers.authorization} ${url}`);
        };
      },
      mend: () => {
        place.answer = take;
      },
      secrets,
      dispose: () => place.close(),
    };
  });
}
