import type { WriteKey } from '../config/config.js';
import { basicCredentials, userNameOf } from '../verify/authorization.js';
import { secretFinder } from '../verify/compare.js';
import { writeKeysInForm } from '../verify/write-key/scan.js';
import type { Delivery } from './source.js';

/** The write keys of a source, and the source name that each stands for. */
export interface WriteKeys {
  /** Every source name that a key can give an event, including the source's own. */
  readonly names: ReadonlySet<string>;
  /** The name of the key's source, or undefined if the key is not listed. Takes the same time for every key. */
  sourceOf(key: string | Buffer): string | undefined;
}

/** Builds the lookup of write keys. A key without a `source` stands for `own`. */
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

/** The user names of `Authorization: Basic`. The password and a missing colon are ignored. */
export function keysInBasic({ headers }: Pick<Delivery, 'headers'>): Buffer[] {
  return basicCredentials(headers)
    .map(userNameOf)
    .filter((key) => key.length > 0);
}

/** The values of `?writeKey=`, at most MOST_CANDIDATES. */
export function keysInQuery({ query }: Pick<Delivery, 'query'>): Buffer[] {
  return writeKeysInForm(query);
}
