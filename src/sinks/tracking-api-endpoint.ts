import { TrackbridgeError } from '../errors.js';

/** The URL that a base URL and a path below it make. Throws CONFIG_INVALID. `option`: what the base URL is called. */
export function urlBelow(base: string, path: string, option: string): URL {
  const url = URL.canParse(base) ? new URL(base) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // The text is left out: a URL can hold a password.
    throw invalid(`${option}: must be a complete http:// or https:// URL`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid(`${option}: must be a URL without user, password, query and fragment`);
  }
  if (/\/v[12](\/|$)/.test(url.pathname)) {
    throw invalid(`${option}: leave out what begins with /v1 or /v2; ${path} is added`);
  }
  url.pathname = (url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname) + path;
  return url;
}

function invalid(problem: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', problem);
}

/** `Authorization` with the write key as user name and no password, as both vendors take it. */
export function basicAuthorization(writeKey: string): string {
  return `Basic ${Buffer.from(`${writeKey}:`).toString('base64')}`;
}
