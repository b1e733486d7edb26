import {
  CLOSE_ARRAY,
  COMMA,
  jsonStart,
  OPEN_ARRAY,
  OPEN_OBJECT,
  objectMembers,
  skipSpace,
  skipValue,
} from '../../verify/json-scan.js';

/** Bytes of a body to replace. */
interface Change {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * Returns the body with a new messageId for every event that has one, and no other byte changed; undefined if the body
 * is not JSON with events. It finds an event alone, in an array, in a `batch`, and in a `json` wrapper.
 */
export function withNewIds(body: Buffer, uuid: () => string): Buffer | undefined {
  const changes = changesIn(body, jsonStart(body), uuid, 0);
  if (changes === undefined) return undefined;
  const parts: Buffer[] = [];
  let done = 0;
  for (const { from, text, to } of changes) {
    parts.push(body.subarray(done, from), Buffer.from(text));
    done = to;
  }
  return Buffer.concat([...parts, body.subarray(done)]);
}

function changesIn(
  body: Buffer,
  at: number,
  uuid: () => string,
  depth: number,
): Change[] | undefined {
  // A batch of wrapped events is three levels deep; events are never deeper.
  if (depth > 3) return [];
  if (body[at] === OPEN_ARRAY) return changesInItems(body, at, uuid, depth);
  if (body[at] !== OPEN_OBJECT) return undefined;
  const object = objectMembers(body, at);
  if (object === undefined) return undefined;
  return object.members.flatMap(({ end, key, start }): Change[] => {
    if (key === 'messageId') return [{ from: start, to: end, text: JSON.stringify(uuid()) }];
    const holdsEvents = key === 'batch' || (key === 'json' && object.members.length === 1);
    return holdsEvents ? (changesIn(body, start, uuid, depth + 1) ?? []) : [];
  });
}

function changesInItems(
  body: Buffer,
  at: number,
  uuid: () => string,
  depth: number,
): Change[] | undefined {
  const changes: Change[] = [];
  let next = skipSpace(body, at + 1);
  if (body[next] === CLOSE_ARRAY) return changes;
  for (;;) {
    const end = skipValue(body, next);
    if (end < 0) return undefined;
    changes.push(...(changesIn(body, next, uuid, depth + 1) ?? []));
    next = skipSpace(body, end);
    if (body[next] === CLOSE_ARRAY) return changes;
    if (body[next] !== COMMA) return undefined;
    next = skipSpace(body, next + 1);
  }
}
