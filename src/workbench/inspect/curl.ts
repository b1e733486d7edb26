import { isUtf8 } from 'node:buffer';
import { isHopHeader } from './headers.js';
import { MASKED } from './mask.js';
import type { Recording } from './recording.js';
import type { View } from './view.js';

/** Longer bodies do not fit a command's argument everywhere. */
const LONGEST_INLINE = 64 * 1024;

/** Headers that curl adds by itself, and a sender may have omitted. */
const OF_CURL = ['accept', 'user-agent', 'content-type'];

/** Anything except printable text, tabs and line feeds would not survive a terminal. */
const ODD = /(?![\t\n])\p{Cc}|[\u2028\u2029]/u;

/**
 * Returns a shell command that sends the delivery again, byte for byte, to the receiver at `base` (`http://host:port`).
 * Masked values become environment variables, which a comment names.
 */
export function curlOf(recording: Recording, view: View, base: string): string {
  const comments: string[] = [];
  const body = view.body(recording);
  if (body.changed) {
    comments.push('the body contains masked or redacted values: its signature is invalid');
  }
  const headers = headerOptions(recording, view, comments);
  const url = `${base}${view.url(recording)}`.replace(/[^!-~]/g, percentEncoded);
  if (url.includes(MASKED)) comments.push('set WRITE_KEY: it was masked');
  const version = recording.start.httpVersion === '1.0' ? '--http1.0' : '--http1.1';
  const { before, option } = bodyOption(body.bytes, recording.start.method);
  const lines = [
    `${before}curl -i ${version} --globoff --path-as-is -X ${quoted(recording.start.method)} ${quoted(url, 'WRITE_KEY')}`,
    ...headers.map((header) => `-H ${header}`),
    ...option,
  ];
  return `${comments.map((each) => `# ${each}\n`).join('')}${lines.join(' \\\n  ')}\n`;
}

function headerOptions(recording: Recording, view: View, comments: string[]): string[] {
  const sent = view.headers(recording).filter(([name]) => !isHopHeader(name));
  const names = new Set(sent.map(([name]) => name.toLowerCase()));
  const options = sent.flatMap(([name, value]) => {
    const text = textOf(value);
    if (text === undefined) {
      comments.push(`omitted, because it is not text: ${name}`);
      return [];
    }
    const variable = variableOf(name);
    if (text.includes(MASKED)) comments.push(`set ${variable}: ${name} was masked`);
    return [text === '' ? quoted(`${name};`) : quoted(`${name}: ${text}`, variable)];
  });
  return [
    ...options,
    ...OF_CURL.filter((name) => !names.has(name)).map((name) => quoted(`${name}:`)),
  ];
}

/** Node reads header values as Latin-1; a terminal writes UTF-8. */
function textOf(value: string): string | undefined {
  const bytes = Buffer.from(value, 'latin1');
  const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  return text === undefined || ODD.test(text) ? undefined : text;
}

function bodyOption(
  body: Buffer,
  method: string,
): { readonly before: string; readonly option: string[] } {
  if (body.length === 0) {
    return { before: '', option: ['GET', 'DELETE'].includes(method) ? [] : ["--data-raw ''"] };
  }
  const text = isUtf8(body) && body.length <= LONGEST_INLINE ? body.toString('utf8') : undefined;
  if (text !== undefined && !ODD.test(text)) {
    return { before: '', option: [`--data-raw ${quoted(text)}`] };
  }
  const before = `printf %s '${body.toString('base64')}' | base64 -d | `;
  return { before, option: ['--data-binary @-'] };
}

function variableOf(header: string): string {
  return `H_${header.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}`.replace(/^H_(?=[A-Z])/, '');
}

/** Single quotes keep the shell from interpreting anything; a masked value becomes the variable. */
function quoted(text: string, variable?: string): string {
  const literal = `'${text.replaceAll("'", String.raw`'\''`)}'`;
  return variable === undefined ? literal : literal.replaceAll(MASKED, `'"$${variable}"'`);
}

function percentEncoded(character: string): string {
  return [...Buffer.from(character, 'latin1')]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}
