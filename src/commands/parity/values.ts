import type { JsonValue } from '../../core/json.js';
import { isObject } from '../../core/json.js';
import type { DifferenceRow } from '../../parity/report/report.js';

/** Characters of a value that are shown. */
const LONGEST = 120;

/** Returns the value at the path of a difference in the example of one side, and which event it is. */
export function exampleText({ example, path }: DifferenceRow, side: 'left' | 'right'): string {
  const event = example[side];
  if (!isObject(event)) return 'no longer kept';
  const { messageId } = event;
  const id = typeof messageId === 'string' ? `  (messageId ${shorten(messageId)})` : '';
  return `${valueText(valueAt(event, path))}${id}`;
}

/** Returns a value as short JSON text. */
function valueText(value: JsonValue | undefined): string {
  return value === undefined ? 'absent' : shorten(JSON.stringify(value));
}

function shorten(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** Returns the value at a JSON Pointer. For `*`, an array index, the array itself says more than its first item. */
function valueAt(event: JsonValue, path: string): JsonValue | undefined {
  let value: JsonValue | undefined = event;
  for (const step of path.split('/').slice(1)) {
    if (step === '*') return value;
    if (typeof value !== 'object' || value === null) return undefined;
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
    value = Object.hasOwn(value, key) ? (value as Record<string, JsonValue>)[key] : undefined;
  }
  return value;
}
