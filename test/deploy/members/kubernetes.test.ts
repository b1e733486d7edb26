import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../support/manual.js';
import { runInProcess } from '../../support/program.js';
import { variablesOf } from './compose.js';
import {
  configuration,
  type Manifest,
  manifests,
  moduleOf,
  ofKind,
  secrets,
} from './kubernetes.js';

/** The most connections of a member, as docs/many-machines.md says, and what PostgreSQL accepts unless told otherwise. */
const CONNECTIONS = 9;
const MAX_CONNECTIONS = 100;

const deployments = ofKind('Deployment').map((each) => ({
  name: each.metadata?.name ?? '',
  labels: each.spec?.template.metadata?.labels ?? {},
  selector: each.spec?.selector.matchLabels,
  replicas: each.spec?.replicas,
  surge: Number(each.spec?.strategy?.rollingUpdate?.maxSurge ?? Number.NaN),
  pod: each.spec?.template.spec,
  container: each.spec?.template.spec?.containers[0],
}));
const select = (labels: object, selector: object | undefined): boolean =>
  selector !== undefined &&
  Object.entries(selector).every(([name, value]) => Reflect.get(labels, name) === value);

describe('the manifests for Kubernetes', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-kubernetes-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));

  /** Compiles documents against the types of the API, which its OpenAPI document generates: they refuse unknown fields. */
  const compile = (documents: readonly Manifest[]) => {
    const lines = documents.map((each, at) => {
      const type = `import('${moduleOf(each)}').${each.kind}`;
      return `export const d${at}: ${type} = ${JSON.stringify(each)};`;
    });
    writeFileSync(join(directory, 'manifests.ts'), lines.join('\n'));
    return spawnSync(
      process.execPath,
      [
        join(ROOT, 'node_modules/typescript/bin/tsc'),
        '--noEmit',
        '--strict',
        'manifests.ts',
      ].concat([
        '--module',
        'esnext',
        '--moduleResolution',
        'bundler',
        '--types',
        '',
        '--skipLibCheck',
      ]),
      { cwd: directory, encoding: 'utf8' },
    );
  };

  it('fit the types of the API', () => {
    const { status, stdout } = compile(manifests);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('would not fit with a misspelled field, or a number in place of a text', () => {
    const break_ = (from: string, to: string): readonly Manifest[] =>
      JSON.parse(JSON.stringify(manifests).replace(from, to));
    expect(compile(break_('readOnlyRootFilesystem', 'readOnlyRootFileSystem')).stdout).toContain(
      'readOnlyRootFileSystem',
    );
    expect(compile(break_('"500m"', '500')).status).not.toBe(0);
  });

  it('have receivers with an autoscaler, dispatchers, and a disruption budget of each', () => {
    expect(deployments.map(({ container }) => container?.args?.at(-1)).toSorted()).toEqual([
      'dispatch',
      'receive',
    ]);
    const [scaler] = ofKind('HorizontalPodAutoscaler');
    expect(scaler?.spec?.scaleTargetRef.name).toBe('trackbridge-receivers');
    for (const { labels } of deployments) {
      const budgets = ofKind('PodDisruptionBudget').filter(({ spec }) =>
        select(labels, spec?.selector?.matchLabels),
      );
      expect(budgets).toHaveLength(1);
    }
  });

  it.each(deployments)(
    'fulfill the restricted pod security standard: $name',
    ({ container, pod }) => {
      expect(pod?.securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(container?.securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
    },
  );

  it.each(deployments)(
    'probe listeners that there are, and wait longer than the drain: $name',
    ({ container, pod }) => {
      const ports = container?.ports?.map(({ name }) => name) ?? [];
      const probes = [
        [container?.startupProbe, '/livez'],
        [container?.livenessProbe, '/livez'],
        [container?.readinessProbe, '/readyz'],
      ] as const;
      for (const [probe, path] of probes) {
        expect(probe?.httpGet?.path).toBe(path);
        expect(ports).toContain(probe?.httpGet?.port);
      }
      const pause = Number(container?.lifecycle?.preStop?.exec?.command?.[1] ?? 0);
      expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(pause + 10);
    },
  );

  it.each(deployments)('name volumes, labels and settings that there are: $name', (deployment) => {
    const { container, labels, pod, selector } = deployment;
    expect(select(labels, selector)).toBe(true);
    expect(pod?.topologySpreadConstraints).toHaveLength(2);
    for (const { labelSelector } of pod?.topologySpreadConstraints ?? []) {
      expect(select(labels, labelSelector?.matchLabels)).toBe(true);
    }
    const volumes = pod?.volumes?.map(({ name }) => name);
    expect(container?.volumeMounts?.map(({ name }) => name)).toEqual(volumes);
    const maps = ofKind('ConfigMap').map(({ metadata }) => metadata?.name);
    expect(maps).toEqual(pod?.volumes?.flatMap(({ configMap }) => configMap?.name ?? []));
    const names = ofKind('Secret').map(({ metadata }) => metadata?.name);
    expect(names).toEqual(container?.envFrom?.map(({ secretRef }) => secretRef?.name));
    expect(container?.args?.[2]).toBe('/etc/trackbridge/trackbridge.yaml');
  });

  it.each(ofKind('Service'))('lead to a listener: $metadata.name', ({ spec }) => {
    const chosen = deployments.filter(({ labels }) => select(labels, spec?.selector));
    expect(chosen).toHaveLength(1);
    const ports = chosen[0]?.container?.ports?.map(({ name }) => name);
    for (const { targetPort } of spec?.ports ?? []) expect(ports).toContain(targetPort);
  });

  it('use no more connections than PostgreSQL has, also while they are updated', () => {
    const most = ofKind('HorizontalPodAutoscaler')[0]?.spec?.maxReplicas ?? Number.NaN;
    const pods = deployments.reduce(
      (sum, { replicas, surge }) => sum + (replicas ?? most) + surge,
      0,
    );
    expect(pods * CONNECTIONS).toBeLessThan(MAX_CONNECTIONS);
  });

  it('give members exactly the variables that their configuration names, and the configuration is valid', async () => {
    expect(new Set(Object.keys(secrets))).toEqual(new Set(variablesOf(configuration)));
    const path = join(directory, 'trackbridge.yaml');
    writeFileSync(path, configuration);
    const { code, stderr } = await runInProcess(['check', '--config', path], { env: secrets });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
