import { startBatchLoad } from '../batch-load.js';
import { Ledger } from '../ledger.js';
import { enterRecorded, type Program, settled } from '../program.js';
import type { TakenEvent } from '../recording-sink.js';
import type { Row } from '../row.js';

const SENDERS = 5;
const USERS_EACH = 10;
const EVENTS_EACH = 40;

/** What the attempts at the n-th event of a user are answered, one after the other. The last one is for good. */
function scriptOf(number: number): readonly number[] {
  switch (number % 8) {
    case 3:
      return [500, 500, 200];
    case 5:
      return [400];
    case 6:
      return [500, 400];
    default:
      return [200];
  }
}

const numberOf = (id: string): number => Number(id.slice(id.indexOf(':') + 1));
const userOf = (id: string): string => id.slice(0, id.indexOf(':'));
const isPoison = (id: string): boolean => scriptOf(numberOf(id)).at(-1) === 400;

/** Answers by the script, and keeps every request. */
class Script {
  readonly #attempts = new Map<string, number>();
  /** By user, what was answered to its events: `NUMBER:STATUS`. */
  readonly byUser = new Map<string, string[]>();

  /**
   * A batch fails for now where any of its events does, else for good where any of them does. Which one it was nobody is told:
   * only the answer to an event alone is about that event.
   */
  answer(events: readonly TakenEvent[]): { status: number } {
    const due = events.map(({ messageId }) => {
      const script = scriptOf(numberOf(messageId));
      return { messageId, status: script[this.#attempts.get(messageId) ?? 0] ?? 200 };
    });
    const status = [500, 400].find((bad) => due.some((each) => each.status === bad)) ?? 200;
    for (const { messageId, status: own } of due) {
      if (own === 500) this.#attempts.set(messageId, (this.#attempts.get(messageId) ?? 0) + 1);
      const user = userOf(messageId);
      const answers = this.byUser.get(user) ?? [];
      answers.push(`${numberOf(messageId)}:${status}`);
      this.byUser.set(user, answers);
    }
    return { status };
  }
}

/** A sink that refuses some events for a while and others for good, and takes the rest. */
export const sinkByScript: Row = {
  name: 'sink-by-script',
  fault: `sinks answer 500, 500 and 200, or 400, by script for ${SENDERS * USERS_EACH} users with ${EVENTS_EACH} events each`,
  mustHold:
    'each user’s requests are exactly the script’s, nothing comes after its 2xx, and dead letters are those answered 400 and only those',
  async run(context) {
    const { start, listen, after } = context;
    const ledger = new Ledger(['single', 'batched']);
    const [single, batched] = [await listen(), await listen()];
    const [bySingle, byBatched] = [new Script(), new Script()];
    single.behave((events) => bySingle.answer(events));
    batched.behave((events) => byBatched.answer(events));
    const retry = { initial: '5ms', max: '20ms' };
    const program = await start({
      config: {
        sinks: {
          single: { ...single.options, body: 'event', retry },
          batched: { ...batched.options, body: 'array', retry, batch: { size: 25, wait: '20ms' } },
        },
      },
    });
    const load = startBatchLoad(context, {
      ledger,
      url: program.url,
      senders: SENDERS,
      usersEach: USERS_EACH,
      batch: USERS_EACH,
      everyMs: 0,
      deliveriesEach: EVENTS_EACH,
    });
    after(() => load.stop());
    await load.finished;
    await settled(program);
    enterRecorded(ledger, 'single', single);
    enterRecorded(ledger, 'batched', batched);
    const dead = await enterDeadLetters(ledger, program, ['single', 'batched']);

    const prescribed = Array.from({ length: EVENTS_EACH }, (_, number) =>
      scriptOf(number).map((status) => `${number}:${status}`),
    ).flat();
    for (const [user, answers] of bySingle.byUser) {
      const same = answers.filter((answer, index) => answer === prescribed[index]).length;
      ledger.expect(
        same === prescribed.length && answers.length === same,
        `${user}: ${answers.length} requests, of which ${same} are as prescribed`,
      );
    }
    ledger.expect(bySingle.byUser.size === SENDERS * USERS_EACH, 'some users never came');
    const { duplicated } = ledger.outcome();
    ledger.expect(duplicated === 0, `${duplicated} came again after their 2xx`);
    return ledger.outcome([`${dead} dead letters over two sinks`]);
  },
};

/** Holds what became a dead letter of each sink to what should have. Resolves to how many there are. */
async function enterDeadLetters(
  ledger: Ledger,
  program: Program,
  sinks: readonly string[],
): Promise<number> {
  let count = 0;
  for (const sink of sinks) {
    const ids = await program.deadLetters(sink);
    for (const id of ids) {
      ledger.deadLetter(sink, id);
      ledger.expect(isPoison(id), `${sink}: ${id} is a dead letter and was never answered 400`);
    }
    const distinct = new Set(ids).size;
    ledger.expect(distinct === ids.length, `${sink}: some dead letters are there twice`);
    const poison = SENDERS * USERS_EACH * poisonEach();
    ledger.expect(distinct === poison, `${sink}: ${distinct} dead letters instead of ${poison}`);
    count += distinct;
  }
  return count;
}

function poisonEach(): number {
  return Array.from({ length: EVENTS_EACH }, (_, number) => `:${number}`).filter(isPoison).length;
}
