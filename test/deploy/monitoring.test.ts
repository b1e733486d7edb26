import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { DASHBOARD, dashboard } from '../docs/generate/dashboard.js';
import { ROOT } from '../support/manual.js';

const ALERTS = 'deploy/prometheus/alerts.yaml';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const rules: readonly Rule[] = parse(readFileSync(ALERTS, 'utf8')).groups.flatMap(
  (group: { readonly rules: readonly Rule[] }) => group.rules,
);
const expressions: readonly string[] = JSON.parse(dashboard()).panels.flatMap(
  (panel: { readonly targets?: readonly { readonly expr: string }[] }) =>
    (panel.targets ?? []).map(({ expr }) => expr),
);

/** Every metric that a receiver with a source, a sink and a comparison exports, with its labels. */
async function exported(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = createMetrics();
  metrics.source('a').delivery('accepted', 1);
  metrics.append(1);
  metrics.attemptTook('b', 1);
  const sink = { name: 'b', pending: 0, maxPending: 1, oldestAge: 0, deadLetters: 0 };
  const verdicts = { both: 1, onlyLeft: 0, onlyRight: 0, different: 0 };
  const report = { ...verdicts, late: 0, repeats: 0, pending: 0, match: 100 };
  const text = await metrics.render({
    pending: 0,
    inQuarantine: 0,
    sinks: [{ ...sink, circuit: 'closed', isPaused: false }],
    comparisons: [{ name: 'c', report, silent: { left: false, right: false }, backlog: 0 }],
  });
  const found = new Map<string, Set<string>>();
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? \S+$/gm)) {
    const known = found.get(name) ?? new Set();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    found.set(name, known);
  }
  return found;
}

/** The metrics that an expression names, with the labels that it selects or groups by. */
function namedIn(expression: string): readonly { metric: string; labels: readonly string[] }[] {
  const grouped = [...expression.matchAll(/\b(?:by|on) \(([^)]*)\)/g)].flatMap(([, list = '']) =>
    list.split(/, */),
  );
  return [...expression.matchAll(/\b((?:trackbridge|process)_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, metric = '', selected = '']) => ({
      metric,
      labels: [...grouped, ...[...selected.matchAll(/(\w+)=/g)].map(([, label = '']) => label)],
    }),
  );
}

describe('the alert rules and the dashboard', () => {
  it('name only metrics and labels that there are', async () => {
    const known = await exported();
    const all = [...rules.map(({ expr }) => expr), ...expressions];
    expect(all.length).toBeGreaterThan(30);
    for (const expression of all) {
      const named = namedIn(expression);
      expect(named, expression).not.toEqual([]);
      for (const { metric } of named) expect([...known.keys()], expression).toContain(metric);
      // `or` joins metrics of which each has its own labels.
      const labels = new Set(named.flatMap(({ metric }) => [...(known.get(metric) ?? [])]));
      for (const label of named.flatMap((each) => each.labels)) {
        expect([...labels], expression).toContain(label);
      }
    }
  });

  it('say what happened and what to do, and whom to tell', () => {
    for (const { alert, annotations, labels } of rules) {
      expect(labels['severity'], alert).toMatch(/^(page|warn)$/);
      expect(annotations['summary'], alert).toMatch(/\S/);
      expect(annotations['description'], alert).toMatch(/\.$/);
    }
  });

  it('are shown by a dashboard that is generated (run `npm run docs`)', () => {
    expect(readFileSync(DASHBOARD, 'utf8')).toBe(dashboard());
  });

  const isMissing = spawnSync('promtool', ['--version']).status !== 0;
  it.skipIf(isMissing && process.env['CI'] === undefined).each([
    ['are valid', ['check', 'rules', ALERTS]],
    [
      'fire for each fault, and for nothing else',
      ['test', 'rules', 'test/deploy/alerts.promtool.yaml'],
    ],
  ])('%s', (_, args) => {
    const { status, stderr, stdout } = spawnSync('promtool', args, { cwd: ROOT, encoding: 'utf8' });
    expect(status, stdout + stderr).toBe(0);
  });
});
