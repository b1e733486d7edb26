import { describe, expect, it } from 'vitest';
import { createLog } from '../../src/telemetry/log.js';
import { readableLog } from '../ingest/harness.js';

describe('a log line', () => {
  it('is JSON with the time and the level as people read them, and nothing of this machine', () => {
    const { log, lines } = readableLog();
    log.info({ requestId: 'the-id' }, 'delivery accepted');
    const [line] = lines();
    expect(line).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      requestId: 'the-id',
      msg: 'delivery accepted',
    });
  });

  it('is one line without control characters, whatever was written, and still says the same', () => {
    const lines: string[] = [];
    const log = createLog('info', { write: (line) => void lines.push(line) });
    const hostile = 'a\n{"level":"error"}\r\u001b[31m\u009b2J\u007f\u2028\u202e\ud800 é 東京';
    log.warn({ remote: hostile }, hostile);
    const [line = ''] = lines;
    expect(line).toMatch(/^[^\p{Cc}\u2028\u202e]*\n$/u);
    expect(JSON.parse(line)).toMatchObject({ remote: hostile, msg: hostile });
  });

  it('below the level is not written', () => {
    const { log, lines } = readableLog('warn');
    log.info('not this');
    log.warn('this');
    expect(lines().map(({ msg }) => msg)).toEqual(['this']);
  });

  it('holds no secret that slipped in under a telling name', () => {
    const { log, lines } = readableLog();
    const secret = 'do-not-show-me';
    const all = {
      secret,
      secrets: [secret],
      token: secret,
      password: secret,
      authorization: secret,
    };
    const { authorization: _, ...nested } = all;
    log.warn({ ...all, config: nested, kept: 'this' }, 'oh');
    log.child({ sink: 'far', token: secret }).error({ config: nested }, 'oh');
    expect(JSON.stringify(lines())).not.toContain(secret);
    expect(lines()[0]).toMatchObject({
      token: '***',
      secrets: '***',
      config: { password: '***' },
      kept: 'this',
    });
  });

  it('of an error says what and where', () => {
    const { log, lines } = readableLog();
    log.error({ err: new TypeError('a bug', { cause: new Error('the cause') }) }, 'unexpected');
    expect(lines()[0]).toMatchObject({
      level: 'error',
      err: { type: 'TypeError', message: expect.stringContaining('a bug') },
    });
    expect(JSON.stringify(lines()[0])).toContain('log.test.ts');
  });
});
