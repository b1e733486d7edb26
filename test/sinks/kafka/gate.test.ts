import { describe, expect, it } from 'vitest';
import { Gate } from '../../../src/sinks/kafka/gate.js';

/** Work that ends when told to, and notes when it begins. */
function work(name: string, begun: string[]) {
  let resolve: (name: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<string>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return {
    run: () => {
      begun.push(name);
      return promise;
    },
    end: () => resolve(name),
    fail: () => reject(new Error(name)),
  };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a gate', () => {
  it('lets nothing run beside what runs alone, and everything else together', async () => {
    const gate = new Gate();
    const begun: string[] = [];
    const named = (name: string) => work(name, begun);
    const [a, b, only, c] = [named('a'), named('b'), named('only'), named('c')];
    const runs = [gate.together(a.run), gate.together(b.run)];
    await turn();
    runs.push(gate.alone(only.run), gate.together(c.run));
    await turn();
    expect(begun).toEqual(['a', 'b']);
    a.end();
    b.end();
    await turn();
    expect(begun).toEqual(['a', 'b', 'only']);
    only.end();
    await turn();
    expect(begun).toEqual(['a', 'b', 'only', 'c']);
    c.end();
    expect(await Promise.all(runs)).toEqual(['a', 'b', 'only', 'c']);
  });

  it('opens again after a failure, which only its own caller hears of', async () => {
    const gate = new Gate();
    const begun: string[] = [];
    const [bad, good] = [work('bad', begun), work('good', begun)];
    const failed = gate.alone(bad.run);
    const after = gate.alone(good.run);
    bad.fail();
    good.end();
    await expect(failed).rejects.toThrow('bad');
    expect(await after).toBe('good');
  });
});
