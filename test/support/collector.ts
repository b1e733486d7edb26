import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './receiver.js';

/** A span as OTLP writes it in JSON. */
interface CollectedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly traceState?: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

/** A collector of OpenTelemetry that receives OTLP/HTTP in JSON. */
export interface Collector {
  readonly url: string;
  readonly port: number;
  readonly spans: readonly CollectedSpan[];
  readonly requests: readonly { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** The attributes of the resource in the last request. */
  resource(): Readonly<Record<string, string | number>>;
  /** Resolves to the spans of this name, once there are so many. */
  named(name: string, count?: number): Promise<readonly CollectedSpan[]>;
  answer(status: number): void;
  close(): Promise<void>;
}

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number>>;
}

type RawSpan = Omit<CollectedSpan, 'attributes' | 'links'> & {
  readonly attributes: readonly Attribute[];
  readonly links?: CollectedSpan['links'];
};

interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[];
  }[];
}

export async function startCollector(port = 0): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const requests: Collector['requests'][number][] = [];
  let resource: Readonly<Record<string, string | number>> = {};
  let status = 200;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers });
      if (status === 200) {
        const { resourceSpans }: ExportRequest = JSON.parse(Buffer.concat(chunks).toString());
        for (const each of resourceSpans) {
          resource = flat(each.resource.attributes);
          for (const scope of each.scopeSpans) spans.push(...scope.spans.map(toSpan));
        }
      }
      response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    spans,
    requests,
    resource: () => resource,
    named: (name, count = 1) =>
      eventually(
        () => spans.filter((span) => span.name === name),
        (found) => found.length >= count,
      ),
    answer(now) {
      status = now;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toSpan(raw: RawSpan): CollectedSpan {
  return { ...raw, attributes: flat(raw.attributes), links: raw.links ?? [] };
}

function flat(attributes: readonly Attribute[]): Readonly<Record<string, string | number>> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => {
      const [first = ''] = Object.values(value);
      return [key, 'intValue' in value ? Number(first) : first];
    }),
  );
}
