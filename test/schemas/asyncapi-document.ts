import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Parser } from '@asyncapi/parser';
import { Ajv, type ValidateFunction } from 'ajv';

const PATH = fileURLToPath(new URL('../../schemas/asyncapi.yaml', import.meta.url));
const ERROR = 0;

/** The document as AsyncAPI's own parser reads it, and what it finds wrong; `change` damages the text first. */
export async function parseDocument(change: (text: string) => string = (text) => text) {
  const text = change(await readFile(PATH, 'utf8'));
  const { document, diagnostics } = await new Parser().parse(text, { source: PATH });
  return { document, errors: diagnostics.filter(({ severity }) => severity === ERROR) };
}

/** One message of an operation. */
interface DescribedMessage {
  readonly id: string;
  readonly contentType: string;
  /** Absent where there is no body. */
  readonly payload: ValidateFunction | undefined;
  readonly headers: ValidateFunction | undefined;
}

/** What the document says of requests with one method to one address. */
export interface DescribedOperation {
  readonly id: string;
  readonly method: string;
  readonly address: string;
  /** Matches the paths, without a query, that the address and its parameters describe. */
  readonly path: RegExp;
  readonly messages: readonly DescribedMessage[];
  readonly query: ValidateFunction | undefined;
  readonly answers: readonly DescribedMessage[];
}

/** Every operation by which the receiver takes something in. */
export async function receiving(): Promise<readonly DescribedOperation[]> {
  const { document } = await parseDocument();
  const operations = document?.operations().filterByReceive() ?? [];
  return operations.map((operation): DescribedOperation => {
    const binding = operation.bindings().get('http')?.value();
    const reply = operation.reply();
    const channel = operation.channels().all()[0];
    const values = (name: string): string => {
      const { enum: known } = (channel?.parameters().get(name)?.json() ?? {}) as {
        enum?: string[];
      };
      return known === undefined ? '.+' : `(?:${known.join('|')})`;
    };
    const address = String(channel?.address());
    return {
      id: String(operation.id()),
      method: String(binding?.method),
      address,
      path: new RegExp(`^${address.replace(/\{(\w+)\}/g, (_, name) => values(name))}$`),
      messages: operation.messages().all().map(describe),
      query: compiled(binding?.query),
      answers: reply?.messages().all().map(describe) ?? [],
    };
  });
}

/** The names of messages whose own examples their schema refuses: in AsyncAPI 3 the parser does not look. */
export async function brokenExamples(change?: (text: string) => string): Promise<string[]> {
  const { document } = await parseDocument(change);
  const messages = document?.components().messages().all() ?? [];
  return messages
    .filter((message) => {
      const examples = message.examples().all();
      if (examples.length === 0) return false;
      const payload = compiled(message.payload()?.json());
      return examples.some((example) => payload?.(example.payload()) !== true);
    })
    .map((message) => message.id());
}

interface ParsedMessage {
  id(): string;
  contentType(): string | undefined;
  payload(): { json(): unknown } | undefined;
  headers(): { json(): unknown } | undefined;
}

function describe(message: ParsedMessage): DescribedMessage {
  return {
    id: message.id(),
    contentType: message.contentType() ?? 'application/json',
    payload: compiled(message.payload()?.json()),
    headers: compiled(message.headers()?.json()),
  };
}

function compiled(schema: unknown): ValidateFunction | undefined {
  return schema === undefined ? undefined : new Ajv({ strict: false }).compile(schema as object);
}
