import { readFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CanonicalEvent } from '../../../src/event/event.js';
import { createTrackbridge, type Trackbridge } from '../../../src/trackbridge.js';
import { readableLog } from '../../ingest/harness.js';
import { eventually } from '../../support/receiver.js';

/** One request of a case, its path without the source's own. */
export interface FieldRequest {
  readonly method: string;
  readonly path?: string;
  readonly absolutePath?: string;
  readonly query?: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly body?: string;
}

/** What a request came to: its answer, what the log says of it, and what reached the sink. */
export interface FieldOutcome {
  readonly status: number;
  readonly accepted: number;
  readonly duplicates: number;
  readonly quarantined: number;
  readonly events: readonly CanonicalEvent[];
}

const PATHS: Readonly<Record<string, string>> = {
  segment: '/segment',
  rudderstack: '/rudderstack',
  'tracking-api': '',
  'webhook-source': '',
};

/** A receiver with one source at its default path, whose sink is a file; it listens on a port of its own. */
export class FieldReceiver {
  readonly #trackbridge: Trackbridge;
  readonly #lines: () => Record<string, unknown>[];
  readonly #file: string;
  readonly #source: Record<string, unknown>;

  private constructor(
    trackbridge: Trackbridge,
    lines: () => Record<string, unknown>[],
    file: string,
    source: Record<string, unknown>,
  ) {
    this.#trackbridge = trackbridge;
    this.#lines = lines;
    this.#file = file;
    this.#source = source;
  }

  static async start(source: object, server: object = {}): Promise<FieldReceiver> {
    const file = join(await mkdtemp(join(tmpdir(), 'field-')), 'events.ndjson');
    const { log, lines } = readableLog();
    const trackbridge = createTrackbridge(
      {
        server: { host: '127.0.0.1', port: 0, ...server },
        outbox: { type: 'memory' },
        // The answer waits for the sink, so that what was accepted is there to be read.
        sources: { field: { ...source, ack: 'delivered' } },
        sinks: { file: { type: 'file', path: file, batch: { wait: '1ms' } } },
      },
      { env: {}, log },
    );
    await trackbridge.start();
    return new FieldReceiver(trackbridge, lines, file, { ...source });
  }

  stop(): Promise<void> {
    return this.#trackbridge.stop();
  }

  async send(request: FieldRequest): Promise<FieldOutcome> {
    const own = PATHS[String(this.#source['type'])] ?? '';
    const path = request.absolutePath ?? (own + (request.path ?? '') || '/');
    const url = request.query === undefined ? path : `${path}?${request.query}`;
    const { status, id } = await exchange(this.#trackbridge.ports.server ?? 0, url, {
      ...request,
      headers: [...this.#authorization(), ...headerLines(request)],
    });
    const line = this.#lines().find(
      ({ msg, requestId }) => msg === 'delivery accepted' && requestId === id,
    );
    // The answer waits for the sink, but not beyond its budget.
    const events = await eventually(
      () => this.#events().filter(({ receipt }) => receipt.deliveryId === id),
      ({ length }) => length >= Number(line?.['accepted'] ?? 0),
      60_000,
    );
    return {
      status,
      accepted: events.length,
      duplicates: Number(line?.['duplicates'] ?? 0),
      // A single event that is not valid is answered as an error, which the log has no counts of.
      quarantined: Number(line?.['quarantined'] ?? (this.#isInvalid(id) ? 1 : 0)),
      events,
    };
  }

  /** Sources with write keys get one. */
  #authorization(): readonly (readonly [string, string])[] {
    const [key] = [this.#source['writeKeys'] ?? []].flat();
    return key === undefined ? [] : [['Authorization', `Basic ${btoa(`${key}:`)}`]];
  }

  #isInvalid(id: string): boolean {
    return this.#lines().some(
      ({ code, requestId }) => code === 'EVENT_INVALID' && requestId === id,
    );
  }

  #events(): CanonicalEvent[] {
    let text = '';
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch {
      // Nothing was delivered yet.
    }
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
  }
}

function headerLines({ contentType, headers = [] }: FieldRequest): (readonly [string, string])[] {
  const lines = Array.isArray(headers) ? headers : Object.entries(headers);
  return (contentType ?? '') === '' ? [...lines] : [['Content-Type', contentType], ...lines];
}

/** Sends header lines as they are: fetch would join two of one name. */
function exchange(
  port: number,
  path: string,
  { method, headers, body }: FieldRequest & { headers: readonly (readonly [string, string])[] },
): Promise<{ status: number; id: string }> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))];
    const lines = ['Host', '127.0.0.1', ...length, ...headers.flat()];
    const request = httpRequest(
      { host: '127.0.0.1', port, path, method, headers: lines },
      (response) => {
        response.resume();
        response.on('end', () => {
          const { statusCode = 0, headers: answered } = response;
          resolve({ status: statusCode, id: String(answered['x-request-id']) });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
