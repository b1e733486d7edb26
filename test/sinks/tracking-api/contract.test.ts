import { generateKeyPairSync } from 'node:crypto';
import { toRudderstack } from '../../../src/event/to-rudderstack.js';
import { toSegment } from '../../../src/event/to-segment.js';
import type { Sink } from '../../../src/sinks/sink.js';
import { createRudderstackSink } from '../../../src/sinks/tracking-api/rudderstack.js';
import { createSegmentSink } from '../../../src/sinks/tracking-api/segment.js';
import { type Bench, sinkContract } from '../contract.js';
import { sinkContext } from '../events.js';
import { httpTarget } from '../http/target.js';
import { arriving, BASIC, oddVendorEvents, vendorServer, WRITE_KEY } from './setup.js';

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

interface Case {
  readonly vendor: 'segment' | 'rudderstack';
  readonly gzip: boolean;
  readonly oauth: boolean;
}
const cases: readonly Case[] = [
  { vendor: 'segment', gzip: false, oauth: false },
  { vendor: 'segment', gzip: true, oauth: true },
  { vendor: 'rudderstack', gzip: true, oauth: false },
  { vendor: 'rudderstack', gzip: false, oauth: false },
];

for (const { gzip, oauth, vendor } of cases) {
  const name = `${vendor}${gzip ? ' with gzip' : ''}${oauth ? ' with OAuth' : ''}`;
  sinkContract(name, async (): Promise<Bench> => {
    const server = await vendorServer(vendor);
    const tokens = await httpTarget();
    tokens.answer = (_, response) =>
      response.end('{"access_token":"sekret-access-token","expires_in":3600}');
    const secrets = [WRITE_KEY, BASIC.slice(6), 'sekret-access-token', pem.slice(40, 100)];
    const make = async (endpoint: string): Promise<Sink> => {
      const options = { writeKey: WRITE_KEY, endpoint, gzip, loopGuard: true };
      if (vendor === 'rudderstack') return createRudderstackSink(options, sinkContext());
      const application = {
        clientId: 'client',
        keyId: 'kid',
        privateKey: pem,
        tokenUrl: `http://127.0.0.1:${tokens.port}/token`,
        scope: 'tracking_api:write',
      };
      const all = oauth ? { ...options, oauth: application } : options;
      return await createSegmentSink(all, sinkContext());
    };
    const { target } = server;
    return {
      sink: await make(server.url),
      // Nothing listens on port 1 of the loopback.
      broken: await make('http://127.0.0.1:1'),
      received: async () => server.kept,
      arrives: (event) => arriving(event, vendor === 'segment' ? toSegment : toRudderstack),
      odd: oddVendorEvents(),
      stall: () => {
        target.answer = () => {};
      },
      fail: () => {
        // Echoes all it was sent, as debugging endpoints do.
        target.answer = ({ body, headers }, response) => {
          response.writeHead(500).end(`${secrets.join(' ')} ${headers.authorization} ${body}`);
        };
      },
      mend: server.behave,
      secrets,
      dispose: async () => {
        await target.close();
        await tokens.close();
      },
    };
  });
}
