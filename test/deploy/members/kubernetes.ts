import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Deployment } from 'kubernetes-types/apps/v1.d.js';
import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.d.js';
import type { ConfigMap, Secret, Service } from 'kubernetes-types/core/v1.d.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.d.js';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../../support/manual.js';
import { readText } from './compose.js';

const FOLDER = 'deploy/kubernetes';

interface Kinds {
  readonly Deployment: Deployment;
  readonly HorizontalPodAutoscaler: HorizontalPodAutoscaler;
  readonly ConfigMap: ConfigMap;
  readonly Secret: Secret;
  readonly Service: Service;
  readonly PodDisruptionBudget: PodDisruptionBudget;
}

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: keyof Kinds;
}

/** Every document of every file. */
export const manifests: readonly Manifest[] = readdirSync(join(ROOT, FOLDER))
  .sort()
  .flatMap((name) =>
    parseAllDocuments(readText(join(FOLDER, name))).map((document): Manifest => document.toJS()),
  );

/** The documents of one kind. Their form is that of the type: a test compiles them. */
export function ofKind<Kind extends keyof Kinds>(kind: Kind): readonly Kinds[Kind][] {
  return manifests.filter((each) => each.kind === kind) as unknown as readonly Kinds[Kind][];
}

/** The module of `kubernetes-types` with the type of a document. */
export const moduleOf = ({ apiVersion }: Manifest): string => {
  const [group = '', version] = apiVersion.includes('/')
    ? apiVersion.split('/')
    : ['core', apiVersion];
  return `kubernetes-types/${group.split('.')[0]}/${version}`;
};

export const configuration = ofKind('ConfigMap')[0]?.data?.['trackbridge.yaml'] ?? '';
export const secrets: Readonly<Record<string, string>> = ofKind('Secret')[0]?.stringData ?? {};
