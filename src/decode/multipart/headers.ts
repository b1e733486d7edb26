/** Maximum bytes of the headers of one part, far more than any sender writes. */
const LONGEST_HEAD = 16_384;
const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/s;

/** The `Content-Disposition` of a part; only files have a `filename`. */
export interface Disposition {
  readonly name?: string;
  readonly filename?: string;
}

/**
 * Returns the headers of a part, with names in lower case; of repeated ones the last. A line that begins with white
 * space continues the one before. Undefined if a line is malformed or the headers are too long.
 */
export function headersOf(head: string): Record<string, string> | undefined {
  const headers = new Map<string, string>();
  if (head.length > LONGEST_HEAD) return undefined;
  for (const line of head === '' ? [] : head.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const [, name, value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return undefined;
    headers.set(name.toLowerCase(), value.trimEnd());
  }
  headers.delete('__proto__');
  return Object.fromEntries(headers);
}

/**
 * Reads `form-data; name="a"; filename="b.txt"`. Browsers write a quote in a name as `%22`, other clients as `\"`; some
 * write names that are not ASCII as `filename*=UTF-8''b.txt` (RFC 5987), which takes precedence over the plain one.
 */
export function dispositionOf(header: string): Disposition {
  const parameters = parametersOf(header);
  const name = parameters.get('name');
  const filename = extendedOf(parameters.get('filename*')) ?? parameters.get('filename');
  return {
    ...(name === undefined ? {} : { name }),
    // Old versions of Internet Explorer send the whole path.
    ...(filename === undefined ? {} : { filename: filename.slice(filename.lastIndexOf('\\') + 1) }),
  };
}

/** Only three parameters have a meaning. */
const MOST_PARAMETERS = 20;
const PARAMETER = /[ \t]*([^=;"]*)(?:=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;]*)))?[^;]*;?/y;

/** Scans from left to right, so that every character is read once. The first parameter of a name counts. */
function parametersOf(header: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  const first = header.indexOf(';');
  if (first === -1) return parameters;
  PARAMETER.lastIndex = first + 1;
  for (let count = 0; count < MOST_PARAMETERS && PARAMETER.lastIndex < header.length; count++) {
    const [, spelled = '', quoted, token = ''] = PARAMETER.exec(header) ?? [];
    const name = spelled.trim().toLowerCase();
    const value = quoted === undefined ? token.trim() : unquoted(quoted);
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

function unquoted(text: string): string {
  return text
    .replace(/\\(["\\])/g, '$1')
    .replaceAll('%22', '"')
    .replaceAll('%0D%0A', '\r\n');
}

function extendedOf(value: string | undefined): string | undefined {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(value ?? '') ?? [];
  if (encoded === undefined) return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}
