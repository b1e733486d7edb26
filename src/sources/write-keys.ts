import type { WriteKey } from '../config/config.js';
import { basicCredentials, userNameOf } from '../verify/authorization.js';
import { secretFinder } from '../verify/compare.js';
import type { Delivery } from './source.js';

/** The write keys of a source, and whose events they bring. */
export interface WriteKeys {
  /** Every name that an event can get from its key, the source's own among them. */
  readonly names: ReadonlySet<string>;
  /** The name of the source this key stands for; undefined where it is not listed. Takes the same time for every key. */
  sourceOf(key: string | Buffer): string | undefined;
}

/** Keys that name no source of their own stand for `own`. */
export function createWriteKeys(keys: readonly WriteKey[], own: string): WriteKeys {
  const find = secretFinder(keys.map(({ key }) => key));
  const nameAt = (index: number): string | undefined => keys[index]?.source ?? own;
  return {
    names: new Set([own, ...keys.map(({ source }) => source ?? own)]),
    sourceOf(key) {
      const index = find(typeof key === 'string' ? Buffer.from(key, 'utf8') : key);
      return index === undefined ? undefined : nameAt(index);
    },
  };
}

/** The user names of `Authorization: Basic`; the password is ignored, and so is whether there is a colon. */
export function keysInBasic({ headers }: Delivery): Buffer[] {
  return basicCredentials(headers)
    .map(userNameOf)
    .filter((key) => key.length > 0);
}

/** The values of `?writeKey=`. */
export function keysInQuery({ query }: Delivery): Buffer[] {
  if (!query.includes('writeKey')) return [];
  return new URLSearchParams(query)
    .getAll('writeKey')
    .filter((key) => key !== '')
    .map((key) => Buffer.from(key, 'utf8'));
}
