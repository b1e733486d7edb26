import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/workbench/doctor/exchange.js';
import { judge } from '../../../src/workbench/doctor/judge.js';
import type { Probe } from '../../../src/workbench/doctor/probe.js';

const PROBE: Probe = {
  id: 'delicate',
  kind: 'real',
  title: 'a signed event',
  hangsUp: 5_000,
  hint: 'Check it over the raw bytes.',
  outgoing: { method: 'POST', headers: [], body: Buffer.alloc(0) },
};
const answered = (status: number, more: Partial<Extract<Answer, { status: number }>> = {}) => ({
  status,
  location: undefined,
  contentType: 'application/json',
  server: '',
  body: '',
  took: 10,
  ...more,
});

describe('judge', () => {
  it('hints at the check of signatures where an event is refused', () => {
    expect(judge(PROBE, answered(401), 'segment').why).toMatch(/raw bytes/);
  });

  it.each<[string, Answer]>([
    ['late', answered(200, { took: 6_000 })],
    ['refused too late', answered(401, { took: 6_000 })],
    ['not answered in time', { error: 'no answer', took: 11_000, timedOut: true }],
  ])('says of what is %s that the answer has to come before the work is done', (_, answer) => {
    const { grade, why } = judge(PROBE, answer, 'segment');
    expect(grade).toBe('lost');
    expect(why).toMatch(/gives up after 5 s: answer before you process the event/);
    expect(why).not.toMatch(/raw bytes/);
  });

  it('says of a redirect where it leads, and nothing of signatures', () => {
    const { grade, why } = judge(PROBE, answered(301, { location: '/hook/?token=s' }), 'segment');
    expect(grade).toBe('lost');
    expect(why).toMatch(/to \/hook\/\): enter the final URL\.$/);
  });

  it('does not ask for a 200 to a duplicate that was answered 200', () => {
    const again: Probe = { ...PROBE, kind: 'again' };
    const page = judge(again, answered(200, { contentType: 'text/html' }), 'segment');
    expect(page.why).toMatch(/web page/);
    expect(judge(again, answered(200, { took: 6_000 }), 'segment').why).toMatch(/gives up/);
    expect(judge(again, answered(409), 'segment').why).toMatch(/answer 200/);
  });
});
