/** The `Content-Type` lines of a delivery, in order. RudderStack's HTTP destination can send two different ones. */
export class ContentTypes {
  readonly #lines: readonly string[];

  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }

  /** Whether a line names exactly this media type. */
  says(type: string): boolean {
    return this.#types().includes(type);
  }

  /** Whether a line names JSON or XML, including by suffix: `application/cloudevents+json`. */
  saysFormat(format: 'json' | 'xml'): boolean {
    return this.#types().some((type) => type.endsWith(`/${format}`) || type.endsWith(`+${format}`));
  }

  /** Whether there are several lines, so that the body must decide which one fits. */
  get areSeveral(): boolean {
    return this.#lines.length > 1;
  }

  /** The charsets named in the lines. */
  charsets(): string[] {
    return this.#parameters('charset');
  }

  /** The multipart boundaries named in the lines. */
  boundaries(): string[] {
    const multipart = this.#lines.filter((line) => typeOf(line) === 'multipart/form-data');
    return new ContentTypes(multipart).#parameters('boundary');
  }

  #types(): string[] {
    return this.#lines.map(typeOf);
  }

  #parameters(name: string): string[] {
    return this.#lines.flatMap((line) =>
      line.split(';').flatMap((parameter) => {
        const equals = parameter.indexOf('=');
        const isNamed = parameter.slice(0, equals).trim().toLowerCase() === name;
        const value = isNamed ? unquoted(parameter.slice(equals + 1).trim()) : '';
        return value === '' ? [] : [value];
      }),
    );
  }
}

function typeOf(line: string): string {
  return (line.split(';', 1)[0] ?? '').trim().toLowerCase();
}

function unquoted(value: string): string {
  return value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}
