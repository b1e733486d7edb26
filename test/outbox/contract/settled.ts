import { describe, expect, it } from 'vitest';
import { claimAll, delivery, done, newEvents, settle } from '../samples.js';
import { contractTools, type Harness } from './tools.js';

const NEVER = new AbortController().signal;

/** What waits for sinks, for `ack: delivered`. */
export function settledContract(name: string, harness: Harness): void {
  const { start } = contractTools(harness);

  function watched(promise: Promise<void>) {
    const state = { over: false };
    const done = promise.then(() => {
      state.over = true;
    });
    return { state, done };
  }

  describe(`outbox ${name}: settled`, () => {
    it('resolves once every configured sink has settled every event, whatever became of it', async () => {
      const { outbox } = await start(['archive', 'orders', 'audit']);
      const ids = (await outbox.append(delivery(newEvents(3)))).flatMap((each) =>
        each.outcome === 'accepted' ? [each.id] : [],
      );
      const { state, done: settled } = watched(outbox.settled(ids, NEVER));
      const archive = outbox.consumer('archive', 1);
      await settle(archive, done(await claimAll(archive)));
      const audit = outbox.consumer('audit', 1);
      const filtered = (await claimAll(audit)).map(
        ({ id }) => ({ id, outcome: 'filtered' }) as const,
      );
      await settle(audit, filtered);
      const orders = outbox.consumer('orders', 1);
      const claimed = await claimAll(orders);
      const attempt = { at: 1, error: 'no' };
      await settle(
        orders,
        claimed.map(({ id }) => ({ id, outcome: 'retry', attempt }) as const),
      );
      await settle(orders, done(claimed.slice(0, 2)));
      expect(state.over).toBe(false);
      await settle(orders, [{ id: String(claimed[2]?.id), outcome: 'dead', attempt }]);
      await settled;
      // Also who asks later.
      await outbox.settled(ids, NEVER);
    });

    it('resolves at once where no sink is configured, or nothing is asked for', async () => {
      const { outbox } = await start([]);
      const [appended] = await outbox.append(delivery(newEvents(1)));
      await outbox.settled([String(appended && 'id' in appended && appended.id)], NEVER);
      const other = await start(['archive']);
      await other.outbox.settled([], NEVER);
    });

    it('resolves when the signal aborts, and when the outbox closes', async () => {
      const { outbox } = await start(['archive']);
      const [appended] = await outbox.append(delivery(newEvents(1)));
      const ids = [String(appended && 'id' in appended && appended.id)];
      const budget = new AbortController();
      const impatient = watched(outbox.settled(ids, budget.signal));
      const patient = watched(outbox.settled(ids, NEVER));
      budget.abort();
      await impatient.done;
      expect(patient.state.over).toBe(false);
      await outbox.close();
      await patient.done;
    });
  });
}
