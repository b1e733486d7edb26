import { expect, it } from 'vitest';
import { countObservations } from '../../src/telemetry/count.js';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { observed } from '../support/observations.js';

const NOTHING = { pending: 0, inQuarantine: 0, sinks: [] };

function counting() {
  const observations = observed();
  const metrics = createMetrics();
  countObservations(observations, metrics);
  const lines = async (): Promise<string[]> =>
    (await metrics.render(NOTHING))
      .split('\n')
      .filter((line) => /^trackbridge_\w+(_total|_count)\b/.test(line) && !line.endsWith(' 0'));
  return { lines, observations };
}

const response = { status: 200, headers: {}, body: '' };

it('the metrics count what a receiver observes of its deliveries', async () => {
  const { lines, observations } = counting();
  const delivery = { id: 'a', source: 'web' };
  const counts = { accepted: 3, duplicates: 2, quarantined: 1, looped: 4 };
  observations.appended.publish({ delivery, results: [], counts, ms: 5 });
  const nothing = { accepted: 0, duplicates: 0, quarantined: 0, looped: 0 };
  observations.appended.publish({ delivery, results: [], counts: nothing, ms: undefined });
  observations.answered.publish({
    delivery,
    outcome: 'accepted',
    ms: 6,
    response,
    error: undefined,
  });
  observations.unreadable.publish({ source: 'web', field: 'sentAt' });
  observations.shed.publish({ reason: 'bytes' });
  expect(await lines()).toEqual([
    'trackbridge_deliveries_total{source="web",outcome="accepted"} 1',
    'trackbridge_events_total{source="web"} 3',
    'trackbridge_duplicates_total{source="web"} 2',
    'trackbridge_quarantined_total{source="web"} 1',
    'trackbridge_loops_total{source="web"} 4',
    'trackbridge_unreadable_timestamps_total{source="web",field="sentAt"} 1',
    'trackbridge_answer_seconds_count{source="web"} 1',
    'trackbridge_append_seconds_count 1',
    'trackbridge_shed_total{reason="bytes"} 1',
  ]);
});

it('a path that no source has is no delivery of a source', async () => {
  const { lines, observations } = counting();
  const delivery = { id: 'a', source: '' };
  observations.answered.publish({
    delivery,
    outcome: 'not_allowed',
    ms: 6,
    response,
    error: undefined,
  });
  expect(await lines()).toEqual([]);
});

it('the metrics count what a receiver observes of its sinks', async () => {
  const { lines, observations } = counting();
  const counts = { delivered: 2, transient: 0, permanent: 1 };
  observations.attempted.publish({ sink: 'crm', at: 1, ms: 1, counts, events: () => [] });
  observations.settled.publish({ sink: 'crm', dead: 1, filtered: 3 });
  observations.circuitOpened.publish({ sink: 'crm' });
  expect(await lines()).toEqual([
    'trackbridge_sink_events_attempted_total{sink="crm",outcome="delivered"} 2',
    'trackbridge_sink_events_attempted_total{sink="crm",outcome="permanent"} 1',
    'trackbridge_dead_letters_total{sink="crm"} 1',
    'trackbridge_sink_events_filtered_total{sink="crm"} 3',
    'trackbridge_sink_circuit_openings_total{sink="crm"} 1',
    'trackbridge_sink_attempt_seconds_count{sink="crm"} 1',
  ]);
});
