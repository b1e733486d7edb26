import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with one request: an answer in the receiver's place, or its answer lost on the way back. */
type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  | 'answer lost';

/** A way to a receiver on which things go wrong as told. */
export interface Relay {
  readonly url: string;
  /** Where requests go on to; their path is appended. */
  to: string;
  /** What happens to the next requests with an event in them, each taking one; what comes after them goes through. */
  readonly faults: Fault[];
  /** Requests with events that were not answered 200, for whatever reason. */
  readonly failed: number;
  /** Those that were. */
  readonly taken: number;
  /** What browsers asked before they sent something, and was answered. */
  readonly preflights: number;
  close(): Promise<void>;
}

export async function startRelay(to: string): Promise<Relay> {
  let [failed, taken, preflights] = [0, 0, 0];
  const faults: Fault[] = [];
  const server = createServer((request, response) => {
    const { headers, method, url } = request;
    const fault = method === 'POST' ? faults.shift() : undefined;
    if (typeof fault === 'object') {
      failed++;
      request.resume().on('end', () => {
        // Pages of other origins may read what the receiver lets them read.
        const cors = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' };
        response.writeHead(fault.status, { ...cors, ...fault.headers }).end();
      });
      return;
    }
    const onward = httpRequest(`${relay.to}${url}`, { method, headers }, (answer) => {
      const { statusCode = 502 } = answer;
      if (fault === 'answer lost') {
        failed++;
        answer.resume().on('end', () => response.destroy());
        return;
      }
      if (method === 'OPTIONS') preflights++;
      else if (statusCode === 200) taken++;
      else failed++;
      response.writeHead(statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => {
      failed++;
      response.destroy();
    });
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const relay: Relay = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    to,
    faults,
    get failed() {
      return failed;
    },
    get taken() {
      return taken;
    },
    get preflights() {
      return preflights;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return relay;
}
