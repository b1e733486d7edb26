import { setTimeout as sleep } from 'node:timers/promises';
import { ATTACKERS, ATTACKS, type AttackName } from '../attack/bodies.js';
import { startAttack } from '../attack/start.js';
import { Ledger } from '../ledger.js';
import { enterFile, SECRET, settled } from '../program.js';
import type { Row } from '../row.js';
import { startLoad } from '../senders.js';

/** How long each attack lasts: several times the budget. */
const ATTACK_MS = 12_000;
const BUDGET_MS = 4_500;
/** The contract lets an answer be so much over the budget. */
const OVER_MS = 100;
const SENDERS = 12;
const SHARE = 0.99;

/** Strangers without a secret send what costs the most, while honest senders go on. */
export const attacked: Row = {
  name: 'attacked',
  fault: `${ATTACKERS} strangers without a secret send bodies of up to 8 MB, one after the other (many members, wrapped ones, 64 bytes that inflate to that), then heads that never end, on ${10 * ATTACKERS} connections`,
  mustHold: `honest deliveries: ${SHARE * 100} % get 200 or 503 within the budget`,
  limitMs: 120_000,
  async run(context) {
    const { directory, start } = context;
    const ledger = new Ledger(['archive']);
    const program = await start({
      config: {
        sources: {
          segment: {
            type: 'segment',
            path: '/segment',
            verify: { scheme: 'segment-signature', secrets: [SECRET] },
          },
          rudderstack: {
            type: 'rudderstack',
            path: '/rudderstack',
            verify: { scheme: 'shared-secret', secrets: [SECRET] },
          },
          keyed: {
            type: 'rudderstack',
            path: '/keyed',
            verify: { scheme: 'write-key', secrets: [SECRET] },
          },
        },
        sinks: { archive: { type: 'file', path: './events.ndjson' } },
      },
    });
    let answers: { readonly status: number | undefined; readonly ms: number }[] = [];
    const load = startLoad(context, {
      ledger,
      url: () => program.url,
      senders: SENDERS,
      everyMs: 100,
      onAnswer: (_, { status, ms }) => void answers.push({ status, ms }),
    });
    const notes: string[] = [];
    for (const name of Object.keys(ATTACKS) as AttackName[]) {
      const attack = startAttack(context, program.url, name);
      // Until the attackers are there.
      await sleep(1_000);
      answers = [];
      await sleep(ATTACK_MS);
      const seen = answers;
      await attack.stop();
      const good = seen.filter(
        ({ status, ms }) => (status === 200 || status === 503) && ms <= BUDGET_MS + OVER_MS,
      );
      const taken = seen.filter(({ status }) => status === 200).length;
      const slowest = Math.round(Math.max(0, ...seen.map(({ ms }) => ms)));
      notes.push(
        `${name}: ${good.length} of ${seen.length} in time, ${taken} of them 200, slowest ${slowest} ms`,
      );
      // A sender that waits for its answer sends nothing meanwhile.
      ledger.expect(
        seen.length >= SENDERS && good.length >= seen.length * SHARE,
        `${name}: only ${good.length} of ${seen.length} honest deliveries were answered in time`,
      );
    }
    await load.stop();
    await settled(program);
    await enterFile(ledger, 'archive', directory, 'events.ndjson');
    return ledger.outcome(notes);
  },
};
