import { describe, expect, it, vi } from 'vitest';
import { RejectionLog } from '../../src/telemetry/rejection-log.js';
import { FakeClock } from '../dispatch/fake-clock.js';
import { readableLog } from '../ingest/harness.js';

function refusing() {
  const clock = new FakeClock();
  const { log, lines } = readableLog();
  const rejections = new RejectionLog(clock, log);
  const refuse = (count: number, code = 'UNAUTHENTICATED'): void => {
    for (let at = 0; at < count; at++) {
      rejections.write({
        level: 'warn',
        kind: code,
        shared: { code },
        own: { requestId: `r-${at}` },
        text: `refused ${at}`,
      });
    }
  };
  return { clock, lines, rejections, refuse };
}

describe('lines about rejections', () => {
  it('are written in full up to ten of a kind a minute, with what is their own', () => {
    const { lines, refuse } = refusing();
    refuse(10);
    refuse(3, 'NOT_FOUND');
    expect(lines()).toHaveLength(13);
    expect(lines()[9]).toMatchObject({
      level: 'warn',
      code: 'UNAUTHENTICATED',
      requestId: 'r-9',
      msg: 'refused 9',
    });
  });

  it('are one line about the rest when the minute is over, and in full again then', async () => {
    const { clock, lines, rejections, refuse } = refusing();
    refuse(1_000);
    expect(lines()).toHaveLength(10);
    await clock.advance(60_000);
    rejections.flush();
    expect(lines()[10]).toEqual({
      level: 'warn',
      time: expect.any(String),
      code: 'UNAUTHENTICATED',
      repeated: 990,
      seconds: 60,
      msg: '990 more like this in 60 s, the last: refused 999',
    });
    refuse(1);
    expect(lines()).toHaveLength(12);
    await clock.advance(60_000);
    rejections.flush();
    expect(lines()).toHaveLength(12);
  });

  it('end their minute also where the timer is late, and with the process', async () => {
    const { clock, lines, rejections, refuse } = refusing();
    refuse(11);
    await clock.advance(70_000);
    refuse(11);
    expect(lines()).toHaveLength(21);
    rejections.stop();
    expect(lines().filter(({ repeated }) => repeated === 1)).toHaveLength(2);
  });

  it('are told each minute by a timer that does not outlive the receiver', () => {
    vi.useFakeTimers();
    try {
      const { lines, rejections, refuse } = refusing();
      rejections.start();
      rejections.start();
      expect(vi.getTimerCount()).toBe(1);
      refuse(12);
      vi.advanceTimersByTime(60_000);
      expect(lines()).toHaveLength(11);
      rejections.stop();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
