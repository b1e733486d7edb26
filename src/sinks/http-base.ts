import { TrackbridgeError } from '../errors.js';

/**
 * The URL of `path` below the base URL of a server; `option`: what the base is called. Throws CONFIG_INVALID where it has
 * user, password, query or fragment, too: those have options of their own, or no meaning.
 */
export function belowBase(text: string, path: string, option: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    // The text is left out: a URL can hold a password.
    throw invalid(`${option}: must be a complete http:// or https:// URL`);
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid(`${option}: must be a URL without user, password, query and fragment`);
  }
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  return url;
}

function invalid(problem: string): TrackbridgeError {
  return new TrackbridgeError('CONFIG_INVALID', problem);
}
