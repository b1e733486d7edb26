import { configInvalid } from '../../core/errors.js';
import { belowBase } from '../kit/url-option.js';

/** Joins a base URL and a path. Throws CONFIG_INVALID. `option`: the base URL's name in errors. */
export function urlBelow(base: string, path: string, option: string): URL {
  if (/\/v[12](\/|$)/.test(belowBase(base, '', option).pathname)) {
    throw configInvalid(`${option}: remove the path from /v1 or /v2 on; Trackbridge adds ${path}`);
  }
  return belowBase(base, path, option);
}

/** Returns `Authorization` with the write key as user name and no password, as both vendors expect it. */
export function basicAuthorization(writeKey: string): string {
  return `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`;
}
