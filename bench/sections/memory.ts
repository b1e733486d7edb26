import { load } from '../load/load.js';
import { renderRequests } from '../load/requests.js';
import { SINGLE } from '../load/shapes.js';
import { residentMegabytes } from '../machine/memory.js';
import { startReceiver } from '../servers/receiver.js';
import { spreadOf } from '../statistics.js';
import { CONNECTIONS } from './peak.js';
import type { Section } from './section.js';

const BLOCK = 25_000;

/** What the process holds after many events through a `file` sink, on one core, without flags. */
export const memory: Section = {
  name: 'memory',
  async run({ progress, settings }) {
    const { events } = settings;
    const server = await startReceiver({
      sinks: { archive: { type: 'file', path: './events.ndjson' } },
    });
    try {
      let seconds = 0;
      for (let sent = 0; sent < events; sent += BLOCK) {
        const next = renderRequests(SINGLE, Math.min(BLOCK, events - sent));
        const { port } = server;
        seconds += (await load({ port, connections: CONNECTIONS.many, seconds: 600, next }))
          .seconds;
        if (sent > 0 && sent % (BLOCK * 8) === 0) {
          progress(`${sent} events, ${residentMegabytes(server.pid).toFixed(0)} MB resident`);
        }
      }
      const resident = residentMegabytes(server.pid);
      return [
        {
          name: `${events.toLocaleString('en-US')} events through a file sink`,
          figures: { resident: spreadOf([resident]), events: spreadOf([events / seconds]) },
          targets: [{ column: 'resident', atMost: 150 }],
        },
      ];
    } finally {
      await server.stop();
    }
  },
};
