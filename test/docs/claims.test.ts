import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../src/decode/limits.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { schemaValidator } from '../schemas/validator.js';
import { manual, page, readText } from '../support/manual.js';
import { fence, section, tableOf } from '../support/markdown.js';

describe('the manual’s event', () => {
  it('is what the published schema describes', () => {
    const event = JSON.parse(fence(page('canonical-event.md'), 'json', 'event'));
    expect(schemaValidator()(event)).toEqual([]);
  });
});

describe('the manual’s table of answers', () => {
  const rows = tableOf(section(page('http.md'), 'Answers')).map(
    ([answer = '', when = '', sender = '']) => ({
      statuses: (answer.match(/\b[2-5]\d\d\b/g) ?? []).map(Number),
      answer,
      when,
      sender,
    }),
  );
  const errors = [
    ...readText('src/core/errors.ts').matchAll(/^ {2}([A-Z_]+): \{ status: (\d{3})/gm),
  ].map((match) => ({ code: String(match[1]), status: Number(match[2]) }));
  // Said to operators only: at start, by the admin listener, or about a sink.
  const inside = ['CONFIG_INVALID', 'START_FAILED', 'SINK_FAILED', 'FORBIDDEN'];
  const senders = errors.filter(({ code }) => !inside.includes(code));

  it('has exactly the statuses that senders are told', () => {
    expect(errors.length).toBeGreaterThan(20);
    const written = new Set(rows.flatMap(({ statuses }) => statuses));
    expect([...written].sort()).toEqual(
      [...new Set([200, ...senders.map(({ status }) => status)])].sort(),
    );
  });

  it('says of each what the vendors do with it', () => {
    for (const { statuses, sender } of rows) {
      for (const status of statuses) {
        const retried = status >= 500 || status === 429 || status === 408;
        const does = status === 200 ? /^is done/ : retried ? /^retries/ : /^drops/;
        expect(sender, String(status)).toMatch(does);
      }
    }
  });

  it('gives the limits that the decoder has', () => {
    const broken = rows.find(({ statuses }) => statuses.includes(400))?.when;
    for (const limit of Object.values(LIMITS)) {
      expect(broken).toContain(Number(limit).toLocaleString('en-US'));
    }
  });
});

describe('the manual’s metrics', () => {
  it('are among those the receiver has', async () => {
    const text = await createMetrics().render({ pending: 0, inQuarantine: 0, sinks: [] });
    const written = [...new Set(manual().match(/trackbridge_[a-z_]+(?=[`{])/g))];
    expect(written.length).toBeGreaterThan(2);
    for (const name of written) expect(text).toContain(`# TYPE ${name} `);
    const outcome = /outcome="(\w+)"/.exec(manual())?.[1];
    expect(readText('src/core/observe.ts')).toContain(`| '${outcome}'`);
  });
});
