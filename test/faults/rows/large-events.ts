import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { eventually } from '../../support/receiver.js';
import { trackText } from '../../support/sender.js';
import { Ledger } from '../ledger.js';
import { watchFootprint } from '../memory.js';
import { enterRecorded, type Program, settled } from '../program.js';
import type { RecordingSink } from '../recording-sink.js';
import type { Row } from '../row.js';
import { deliver, segmentHeaders } from '../senders.js';

const EVENTS = 12;
const EVENT_BYTES = 7_800_000;
const DEAD_SINKS = 4;
/** What V8 may use, megabytes: while sinks are dead, and when all that has piled up is delivered. */
const HEAP_MB = 256;
const RECOVERY_HEAP_MB = 192;
const RESTARTS = 2;
/** Attempts that every dead sink meets between two restarts: enough for lanes to have taken up what they can hold. */
const ATTEMPTS = 3;
const SENDER_PAUSE_MS = 100;

/** A small heap, events as large as a body may be, and sinks that take none of them. */
export const largeEvents: Row = {
  name: 'large-events',
  fault: `${DEAD_SINKS} \`http\` sinks answer 503 to ${EVENTS} events of ${EVENT_BYTES / 1e6} MB, one sink is sound; a heap of ${HEAP_MB} MB, ${RESTARTS} restarts`,
  mustHold: `the process and every later start live, the sound sink gets everything meanwhile; then all is delivered within a heap of ${RECOVERY_HEAP_MB} MB`,
  limitMs: 240_000,
  async run(context) {
    const { start, listen, after } = context;
    const names = Array.from({ length: DEAD_SINKS }, (_, number) => `dead${number}`);
    const ledger = new Ledger(['good', ...names]);
    const good = await listen();
    const dead = new Map<string, RecordingSink>();
    for (const name of names) dead.set(name, await listen());
    for (const sink of dead.values()) sink.behave(() => ({ status: 503 }));
    const retry = { initial: '200ms', max: '2s', giveUpAfter: '1h' };
    const sinks = Object.fromEntries(
      [...dead, ['good', good] as const].map(([name, { options }]) => [
        name,
        { ...options, retry },
      ]),
    );
    let peak = 0;
    const startWith = async (heap: number): Promise<Program> => {
      const env = { NODE_OPTIONS: `--max-old-space-size=${heap}` };
      const program = await start({ config: { sinks }, env });
      const watch = watchFootprint(program.child.pid ?? 0, 100, ({ megabytes }) => {
        peak = Math.max(peak, megabytes);
      });
      after(async () => watch.stop());
      return program;
    };
    const hammered = async (): Promise<void> => {
      for (const sink of dead.values()) {
        const before = sink.requests;
        await eventually(
          () => sink.requests,
          (count) => count >= before + ATTEMPTS,
        );
      }
    };

    let program = await startWith(HEAP_MB);
    await sendAll(ledger, () => program.url);
    for (let restart = 0; restart <= RESTARTS; restart++) {
      await hammered();
      if (restart === RESTARTS) break;
      const code = await program.end();
      ledger.expect(code === 0, `it ended with ${code} after start ${restart + 1}`);
      program = await startWith(HEAP_MB);
    }
    await eventually(
      () => good.taken.length,
      (count) => count >= EVENTS,
    );
    const { pending } = await program.stats();
    ledger.expect(pending === EVENTS, `${pending} were pending for the dead sinks`);
    await program.end('SIGKILL');

    for (const sink of dead.values()) sink.behave(() => ({ status: 200 }));
    program = await startWith(RECOVERY_HEAP_MB);
    await settled(program, 60_000);
    const code = await program.end();
    ledger.expect(code === 0, `it ended with ${code} once everything was delivered`);
    enterRecorded(ledger, 'good', good);
    for (const [name, sink] of dead) enterRecorded(ledger, name, sink);
    return ledger.outcome([`at most ${Math.round(peak)} MB resident`]);
  },
};

/** One after the other, each until it is answered 200. */
async function sendAll(ledger: Ledger, url: () => string): Promise<void> {
  const dispatcher = new Agent({ connections: 1 });
  const text = 'x'.repeat(EVENT_BYTES);
  for (let number = 0; number < EVENTS; number++) {
    const id = `large:${number}`;
    ledger.sending(id, `u${number % 4}`);
    const body = trackText(id, { userId: `u${number % 4}`, properties: { text } });
    while (!ledger.isAcknowledged(id)) {
      const answer = await deliver(`${url()}/segment`, body, segmentHeaders(body), {
        dispatcher,
        timeoutMs: 10_000,
      });
      if (answer.status === undefined) throw new Error(`${id} got no answer`);
      ledger.answered([id], answer.status, answer.ms);
      if (answer.status !== 200) await sleep(SENDER_PAUSE_MS);
    }
  }
  await dispatcher.destroy();
}
