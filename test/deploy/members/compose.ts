import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { ROOT } from '../../support/manual.js';

export const COMPOSE = 'deploy/compose.yaml';

/** What the tests look at of a service of the compose file. */
export interface Service {
  readonly image: string;
  readonly build?: { readonly context: string };
  readonly user?: string;
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, object>>;
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, object>>;
  readonly networks: Readonly<Record<string, object>>;
}

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

export const compose: ComposeFile = parse(readText(COMPOSE), { merge: true });

/** The services that run Trackbridge, by name. */
export const members = Object.entries(compose.services).filter(
  ([, { image }]) => image === 'trackbridge',
);

/** The variables of the example, also those that are commented out. */
export const example: Readonly<Record<string, string>> = Object.fromEntries(
  [...readText('deploy/compose/example.env').matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(
    ([, name = '', value = '']) => [name, value],
  ),
);

/** The environment of a service, with the values of the example. `:-` and `:?` mean what they mean to a shell. */
export function environmentOf({ environment = {} }: Service): Readonly<Record<string, string>> {
  const fill = (text: string): string => {
    const next = text.replace(
      /\$\{([A-Z_]+)(?::([-?])((?:[^{}]|\{[^{}]*\})*))?\}/g,
      (_, name: string, kind: string | undefined, rest: string) =>
        kind === '-' ? rest : (example[name] ?? ''),
    );
    return next === text ? text : fill(next);
  };
  return Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, fill(text)]));
}

/** The variables that a configuration of Trackbridge names. */
export const variablesOf = (configuration: string): readonly string[] =>
  [...configuration.replace(/^#.*$/gm, '').matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name);
