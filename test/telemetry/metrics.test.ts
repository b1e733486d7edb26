import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.js';

const NOTHING = { pending: 0, inQuarantine: 0, sinks: [] };

describe('the metrics', () => {
  it('count deliveries by outcome, and how long their answers took in seconds', async () => {
    const metrics = createMetrics();
    const source = metrics.source('segment');
    source.delivery('accepted', 4);
    source.delivery('accepted', 600);
    source.delivery('unavailable', 4500);
    const text = await metrics.render(NOTHING);
    expect(text).toContain('trackbridge_deliveries_total{source="segment",outcome="accepted"} 2\n');
    expect(text).toContain(
      'trackbridge_deliveries_total{source="segment",outcome="unavailable"} 1\n',
    );
    expect(text).toContain('trackbridge_answer_seconds_bucket{le="0.005",source="segment"} 1\n');
    expect(text).toContain('trackbridge_answer_seconds_bucket{le="5",source="segment"} 3\n');
    expect(text).toContain('trackbridge_answer_seconds_sum{source="segment"} 5.104\n');
  });

  it('count events, and show a source that has had none with zeros', async () => {
    const metrics = createMetrics();
    metrics.source('segment').events(3, 2, 1, 4);
    metrics.source('quiet').events(0, 0, 0, 0);
    const text = await metrics.render(NOTHING);
    for (const [name, count] of [
      ['events', 3],
      ['duplicates', 2],
      ['quarantined', 1],
      ['loops', 4],
    ]) {
      expect(text).toContain(`trackbridge_${name}_total{source="segment"} ${count}\n`);
      expect(text).toContain(`trackbridge_${name}_total{source="quiet"} 0\n`);
    }
  });

  it('count what sinks attempted and gave up, and appends to the outbox', async () => {
    const metrics = createMetrics();
    metrics.attempt('far', 'delivered', 10);
    metrics.attempt('far', 'transient', 2);
    metrics.attemptTook('far', 40);
    metrics.deadLetter('far', 1);
    metrics.append(3);
    const text = await metrics.render(NOTHING);
    expect(text).toContain(
      'trackbridge_sink_events_attempted_total{sink="far",outcome="delivered"} 10\n',
    );
    expect(text).toContain(
      'trackbridge_sink_events_attempted_total{sink="far",outcome="transient"} 2\n',
    );
    expect(text).toContain('trackbridge_dead_letters_total{sink="far"} 1\n');
    expect(text).toContain('trackbridge_append_seconds_bucket{le="0.005"} 1\n');
    expect(text).toContain('trackbridge_sink_attempt_seconds_bucket{le="0.025",sink="far"} 0\n');
    expect(text).toContain('trackbridge_sink_attempt_seconds_bucket{le="0.05",sink="far"} 1\n');
  });

  it('show the backlog as it is when they are asked', async () => {
    const metrics = createMetrics();
    const sink = {
      name: 'far',
      pending: 5,
      maxPending: 8,
      oldestAge: 1.5,
      deadLetters: 2,
      circuit: 'closed',
      isPaused: false,
    } as const;
    await metrics.render({ pending: 5, inQuarantine: 3, sinks: [sink] });
    const text = await metrics.render({
      pending: 4,
      inQuarantine: 3,
      sinks: [{ ...sink, pending: 4, circuit: 'open', isPaused: true }],
      outboxBytes: 8_192,
    });
    expect(text).toContain('trackbridge_sink_paused{sink="far"} 1\n');
    expect(text).toContain('trackbridge_outbox_bytes 8192\n');
    expect(text).toContain('trackbridge_pending_events 4\n');
    expect(text).toContain('trackbridge_quarantine_entries 3\n');
    expect(text).toContain('trackbridge_sink_pending_events{sink="far"} 4\n');
    expect(text).toContain('trackbridge_sink_pending_ratio{sink="far"} 0.5\n');
    expect(text).toContain('trackbridge_sink_oldest_pending_seconds{sink="far"} 1.5\n');
    expect(text).toContain('trackbridge_sink_dead_letters{sink="far"} 2\n');
    expect(text).toContain('trackbridge_sink_circuit{sink="far"} 2\n');
    expect(text).toContain('trackbridge_sink_circuit_openings_total{sink="far"} 0\n');
    metrics.circuitOpened('far');
    const again = await metrics.render({ pending: 4, inQuarantine: 3, sinks: [sink] });
    expect(again).toContain('trackbridge_sink_circuit{sink="far"} 0\n');
    expect(again).toContain('trackbridge_sink_circuit_openings_total{sink="far"} 1\n');
  });

  it('take any name as a label', async () => {
    const metrics = createMetrics();
    metrics.source('a "quoted"\nname\\').events(1, 0, 0, 0);
    expect(await metrics.render(NOTHING)).toContain('{source="a \\"quoted\\"\\nname\\\\"} 1\n');
  });

  it('have every timestamp field of a source from the start, so that the first one shows', async () => {
    const metrics = createMetrics();
    metrics.source('a');
    const text = await metrics.render(NOTHING);
    for (const field of ['timestamp', 'originalTimestamp', 'sentAt', 'receivedAt']) {
      expect(text).toContain(
        `trackbridge_unreadable_timestamps_total{source="a",field="${field}"} 0`,
      );
    }
  });

  it('name the versions of the program and of Node', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await createMetrics().render(NOTHING)).toContain(
      `trackbridge_build_info{version="${version}",node="${process.versions.node}"} 1\n`,
    );
  });

  it('of a source and a sink are there before their first event', async () => {
    const metrics = createMetrics();
    metrics.source('quiet');
    const sink = { pending: 0, maxPending: 8, oldestAge: 0, deadLetters: 0, isPaused: false };
    const text = await metrics.render({
      ...NOTHING,
      sinks: [{ ...sink, name: 'far', circuit: 'closed' }],
    });
    for (const outcome of ['accepted', 'unauthenticated', 'unavailable']) {
      expect(text).toContain(
        `trackbridge_deliveries_total{source="quiet",outcome="${outcome}"} 0\n`,
      );
    }
    for (const outcome of ['delivered', 'transient', 'permanent']) {
      expect(text).toContain(
        `trackbridge_sink_events_attempted_total{sink="far",outcome="${outcome}"} 0\n`,
      );
    }
    for (const name of ['dead_letters', 'unmapped_integrations', 'unplaced_values']) {
      expect(text).toContain(`trackbridge_${name}_total{sink="far"} 0\n`);
    }
  });

  it('of one receiver are not those of another in the same process', async () => {
    const [one, other] = [createMetrics(), createMetrics()];
    one.append(1);
    expect(await other.render(NOTHING)).toContain('trackbridge_append_seconds_count 0\n');
    expect(one.contentType).toMatch(/^text\/plain/);
  });

  it('describe themselves: every one has a help and a type', async () => {
    const text = await createMetrics().render(NOTHING);
    const names = (kind: string): string[] =>
      [...text.matchAll(new RegExp(`^# ${kind} (\\S+) `, 'gm'))].map((match) => String(match[1]));
    expect(names('HELP')).toEqual(names('TYPE'));
    const foreign = names('HELP').filter((name) => !name.startsWith('trackbridge_'));
    // The names that dashboards for Node know.
    expect(foreign).toContain('process_resident_memory_bytes');
    expect(foreign.every((name) => /^(process|nodejs)_/.test(name))).toBe(true);
  });
});
