import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/receiver.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, type Program, SECRET, settled } from '../program.js';
import type { TakenEvent } from '../recording-sink.js';
import type { Row } from '../row.js';
import { startRudderStack, startSegment, TIME_SCALE, TOKEN_HEADER } from '../vendors.js';

const USERS = 40;
const EVENTS_PER_SECOND = 300;
const KILLS = 4;
const MAX_PENDING = 300;
const ANSWERS_LOST = 0.1;

const shared = { scheme: 'shared-secret', secrets: [SECRET] };
const config = {
  outbox: { maxPending: MAX_PENDING },
  sources: {
    // The second factor covers every event of a batch. Without it, one that came as a later element and comes again as the
    // first is accepted once more, since then it is signed.
    segment: {
      type: 'segment',
      path: '/segment',
      verify: [
        { scheme: 'segment-signature', secrets: [SECRET] },
        { ...shared, header: TOKEN_HEADER },
      ],
    },
    rudderstack: { type: 'rudderstack', path: '/rudderstack', verify: shared },
  },
};
const common = {
  body: 'event',
  batch: { size: 10, wait: '5ms' },
  retry: { initial: '50ms', max: '200ms', giveUpAfter: '1h' },
};

/** The vendors' own retries, while the receiver is killed, full, stopped, and one answer in ten gets lost. */
export const retries: Row = {
  name: 'retries',
  fault: `Segment’s re-batching and RudderStack’s retries, ${TIME_SCALE} times faster, while the receiver is killed, full and stopped, and one answer in ten gets lost`,
  mustHold: 'one canonical event for each messageId, all delivered, none dropped by a vendor',
  limitMs: 120_000,
  async run({ start, listen, after }) {
    const ledger = new Ledger(['hook']);
    const hook = await listen();
    const options = { config: { ...config, sinks: { hook: { ...hook.options, ...common } } } };
    let program: Program = await start(options);
    const network = { ledger, url: () => program.url, answersLost: ANSWERS_LOST };
    const segment = startSegment(network);
    const rudderstack = startRudderStack(network);
    after(() => Promise.all([segment.close(), rudderstack.close()]));
    let produced = 0;
    const producer = setInterval(() => {
      const user = `${produced % USERS}`;
      segment.send(`segment:${produced}`, `s${user}`);
      rudderstack.send(`rudderstack:${produced}`, `r${user}`);
      produced++;
    }, 1_000 / EVENTS_PER_SECOND);
    after(async () => clearInterval(producer));

    for (let kill = 0; kill < KILLS; kill++) {
      await sleep(Math.random() * 1_000);
      await program.end('SIGKILL');
      program = await start(options);
    }
    hook.behave(() => ({ status: 503 }));
    const refused = ledger.refused(503);
    await eventually(
      () => ledger.refused(503),
      (count) => count > refused + 20,
      20_000,
    );
    hook.behave(() => ({ status: 200 }));
    await sleep(500);
    await program.end('SIGTERM');
    program = await start(options);
    await sleep(500);
    clearInterval(producer);

    await eventually(
      () => segment.waiting + rudderstack.waiting,
      (waiting) => waiting === 0,
      60_000,
    );
    const { accepted, duplicates } = await settled(program);
    enterRecorded(ledger, 'hook', hook);
    const dropped = [...segment.dropped, ...rudderstack.dropped];
    ledger.expect(dropped.length === 0, `the vendors dropped ${dropped.length}`);
    ledger.expect(
      accepted === ledger.sent,
      `${accepted} were accepted of ${ledger.sent} messageIds`,
    );
    ledger.expect(duplicates > 0, 'no delivery came twice, so nothing was shown');
    for (const problem of idempotencyProblems(hook.taken)) ledger.problem(problem);
    return ledger.outcome();
  },
};

/** What a sink that deduplicates by `Idempotency-Key` would have got wrong. */
function idempotencyProblems(taken: readonly TakenEvent[]): readonly string[] {
  const first = new Map<string, TakenEvent>();
  let misnamed = 0;
  let different = 0;
  for (const event of taken) {
    if (event.key === undefined || !event.key.endsWith(`:${event.messageId}`)) misnamed++;
    const known = first.get(event.messageId);
    // Every acceptance has a receipt of its own: equal bytes are one event delivered again.
    if (known !== undefined && known.content !== event.content) different++;
    first.set(event.messageId, known ?? event);
  }
  return [
    ...(misnamed > 0 ? [`${misnamed} came without their key as Idempotency-Key`] : []),
    ...(different > 0 ? [`${different} came twice as different events`] : []),
  ];
}
