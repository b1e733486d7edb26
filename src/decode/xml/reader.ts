import { TrackbridgeError } from '../../core/errors.js';
import type { JsonValue } from '../../core/json.js';
import type { Limits } from '../limits.js';
import { tooDeep, tooManyKeys } from '../sanitize.js';
import { XmlElement } from './element.js';
import { replaceReferences } from './text.js';

const NAME = /[A-Za-z_:\u0080-\uffff][\w:.\-\u0080-\uffff]*/y;
const SPACE = /[ \t\r\n]*/y;
const EQUALS = /[ \t\r\n]*=[ \t\r\n]*/y;

const FAULTS = {
  tag: 'a tag is malformed or does not match the open element',
  attribute: 'an attribute is malformed or repeated',
  character: 'a character is not allowed here',
  root: 'the document must have one closed root element and nothing after it',
  reference: 'a reference names a character that XML does not allow',
} as const;

/**
 * Parses a document from left to right in linear time, with its own stack, so depth cannot overflow the call stack. It
 * supports elements, attributes, texts, CDATA, comments and processing instructions, but no declarations.
 *
 * fast-xml-parser is not used because it builds texts character by character: 8 MB of one text take it 2 s, this parser
 * 20 ms.
 */
export class XmlReader {
  readonly #text: string;
  readonly #limits: Limits;
  readonly #open: XmlElement[] = [];
  #at = 0;
  #keys = 0;
  #root: JsonValue | undefined;

  constructor(text: string, limits: Limits) {
    this.#text = text;
    this.#limits = limits;
  }

  /** The value of the root element. Throws BODY_MALFORMED and LIMIT_EXCEEDED. */
  read(): JsonValue {
    const text = this.#text;
    while (this.#at < text.length) {
      const tag = text.indexOf('<', this.#at);
      const end = tag === -1 ? text.length : tag;
      if (end > this.#at) this.#takeText(end);
      if (tag !== -1) this.#takeMarkup();
    }
    if (this.#open.length > 0) throw this.#fault('tag');
    if (this.#root === undefined) throw this.#fault('root');
    return this.#root;
  }

  #takeText(end: number): void {
    const piece = this.#text.slice(this.#at, end);
    const element = this.#open.at(-1);
    if (element !== undefined) element.addText(this.#replaced(piece, this.#at));
    else if (/[^ \t\r\n\ufeff]/.test(piece)) {
      throw this.#fault(this.#root === undefined ? 'character' : 'root');
    }
    this.#at = end;
  }

  #takeMarkup(): void {
    const text = this.#text;
    if (text.startsWith('</', this.#at)) this.#takeEndTag();
    else if (text.startsWith('<!--', this.#at)) this.#section(4, '-->');
    else if (text.startsWith('<?', this.#at)) this.#section(2, '?>');
    else if (text.startsWith('<![CDATA[', this.#at)) {
      const element = this.#open.at(-1);
      if (element === undefined) throw this.#fault('root');
      element.addText(this.#section(9, ']]>'));
    } else if (text.startsWith('<!', this.#at)) {
      throw notXml('document type and entity declarations are not supported; remove them');
    } else this.#takeStartTag();
  }

  /** Skips a section that `end` closes, and returns its content. */
  #section(opening: number, end: string): string {
    const start = this.#at + opening;
    const close = this.#text.indexOf(end, start);
    if (close === -1) {
      throw notXml(`a section is missing its closing "${end}"; send it as it was serialized`);
    }
    this.#at = close + end.length;
    return this.#text.slice(start, close);
  }

  #takeStartTag(): void {
    const start = this.#at;
    const name = this.#match(NAME, start + 1);
    if (name === undefined) throw this.#fault('tag');
    if (this.#open.length === 0 && this.#root !== undefined) throw this.#fault('root');
    // The root is the event itself, and the innermost element of a value is a text, so the stack may be one deeper.
    if (this.#open.length > 0) this.#countKey();
    if (this.#open.length > this.#limits.depth) throw tooDeep(this.#limits);
    const element = new XmlElement(name);
    this.#at = start + 1 + name.length;
    const isEmpty = this.#takeAttributes(element, start);
    this.#open.push(element);
    if (isEmpty) this.#close();
  }

  /** Reads to the end of the tag. Returns whether the tag closes itself. */
  #takeAttributes(element: XmlElement, start: number): boolean {
    for (;;) {
      const spaces = this.#match(SPACE, this.#at) ?? '';
      this.#at += spaces.length;
      if (this.#text[this.#at] === '>') {
        this.#at += 1;
        return false;
      }
      if (this.#text.startsWith('/>', this.#at)) {
        this.#at += 2;
        return true;
      }
      const name = this.#match(NAME, this.#at);
      if (name === undefined) throw this.#fault('tag', start);
      if (spaces === '') throw this.#fault('attribute');
      this.#countKey();
      this.#takeAttribute(element, name);
    }
  }

  #takeAttribute(element: XmlElement, name: string): void {
    const start = this.#at;
    const equals = this.#match(EQUALS, start + name.length);
    const open = start + name.length + (equals ?? '').length;
    const quote = this.#text[open];
    const close =
      equals !== undefined && (quote === '"' || quote === "'")
        ? this.#text.indexOf(quote, open + 1)
        : -1;
    if (close === -1) throw this.#fault('attribute');
    const value = this.#text.slice(open + 1, close);
    if (value.includes('<')) throw this.#fault('character', open + 1);
    if (!element.addAttribute(name, this.#replaced(value, open + 1)))
      throw this.#fault('attribute');
    this.#at = close + 1;
  }

  #takeEndTag(): void {
    const name = this.#match(NAME, this.#at + 2);
    const element = this.#open.at(-1);
    if (element === undefined || element.name !== name) throw this.#fault('tag');
    const end = this.#at + 2 + name.length;
    const close = end + (this.#match(SPACE, end) ?? '').length;
    if (this.#text[close] !== '>') throw this.#fault('tag');
    this.#at = close + 1;
    this.#close();
  }

  #close(): void {
    const element = this.#open.pop();
    const parent = this.#open.at(-1);
    if (element === undefined) return;
    if (parent === undefined) this.#root = element.value();
    else parent.addElement(element.name, element.value());
  }

  #countKey(): void {
    if (++this.#keys > this.#limits.keys) throw tooManyKeys(this.#limits);
  }

  #replaced(text: string, start: number): string {
    const replaced = replaceReferences(text);
    if (typeof replaced === 'string') return replaced;
    throw this.#fault(replaced.kind, start + replaced.at);
  }

  #match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#text)?.[0];
  }

  #fault(kind: keyof typeof FAULTS, at = this.#at): TrackbridgeError {
    let line = 1;
    let lineStart = 0;
    for (let end = this.#text.indexOf('\n'); end !== -1 && end < at; ) {
      line += 1;
      lineStart = end + 1;
      end = this.#text.indexOf('\n', lineStart);
    }
    const where = `at line ${line}, column ${at - lineStart + 1}`;
    return notXml(`${FAULTS[kind]} ${where}; send it as it was serialized`);
  }
}

/** The error for a body that begins like XML but is not accepted. */
export function notXml(detail: string): TrackbridgeError {
  return new TrackbridgeError('BODY_MALFORMED', `the XML is invalid: ${detail}`);
}
