import type { JsonObject, JsonValue } from '../../core/json.js';

const TEXT = '#text';
const WHITE_SPACE = /^[ \t\r\n]*$/;

/** An open element and its content so far. */
export class XmlElement {
  readonly name: string;
  readonly #members = new Map<string, JsonValue[]>();
  #text = '';
  #hasElements = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Returns false if the element already has an attribute of that name. */
  addAttribute(name: string, value: string): boolean {
    const key = `@_${name}`;
    if (this.#members.has(key)) return false;
    this.#members.set(key, [value]);
    return true;
  }

  addText(text: string): void {
    this.#text += text;
  }

  addElement(name: string, value: JsonValue): void {
    this.#hasElements = true;
    this.#add(name, value);
  }

  /**
   * Returns the element's value: its text, `''` if empty, or an object if it has attributes or elements, with its text
   * as `#text`. White space between elements is ignored; repeated elements become an array.
   */
  value(): JsonValue {
    if (this.#members.size === 0) return this.#text;
    const hasText = this.#hasElements ? !WHITE_SPACE.test(this.#text) : this.#text !== '';
    if (hasText) this.#add(TEXT, this.#text);
    const object: JsonObject = {};
    for (const [name, values] of this.#members) {
      const [first] = values;
      // Assigning it would replace the object's prototype.
      if (name === '__proto__' || first === undefined) continue;
      object[name] = values.length === 1 ? first : values;
    }
    return object;
  }

  #add(name: string, value: JsonValue): void {
    const values = this.#members.get(name);
    if (values === undefined) this.#members.set(name, [value]);
    else values.push(value);
  }
}
