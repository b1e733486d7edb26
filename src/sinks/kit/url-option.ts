import { configInvalid } from '../../core/errors.js';
import { HTTP, parseUrl } from '../../core/url.js';

/**
 * Returns an option as a URL with one of these schemes. Throws CONFIG_INVALID, without the text: a URL can hold a
 * password. `option` names it in errors.
 */
export function urlOption(text: string, option: string, schemes: readonly string[] = HTTP): URL {
  const url = parseUrl(text, schemes);
  if (url !== undefined) return url;
  const known = schemes.map((scheme) => `${scheme}://`).join(' or ');
  throw configInvalid(`${option}: must be a complete ${known} URL`);
}

/**
 * Returns the URL of `path` below the base URL of a server. Throws CONFIG_INVALID if the base is not a URL or has a
 * user, password, query or fragment: those have options of their own, or no meaning.
 */
export function belowBase(text: string, path: string, option: string): URL {
  const url = urlOption(text, option);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw configInvalid(`${option}: must be a URL without user, password, query and fragment`);
  }
  url.pathname = url.pathname.replace(/\/$/, '') + path;
  return url;
}
