import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { SECRET } from '../secret.js';
import { renderEvent } from './event.js';
import { eventsIn, type Shape } from './shapes.js';

export interface RequestsOptions {
  /** The number of users that the events are of, in turns. Default: 1,000. */
  readonly users?: number;
}

/** Requests with new ids, as functions that return the next one; rendered while no server is measured. */
export function renderRequests(
  shape: Shape,
  count: number,
  { users = 1_000 }: RequestsOptions = {},
): () => Buffer | undefined {
  let events = 0;
  const rendered = Array.from({ length: count }, () => {
    const user = events % users;
    events += eventsIn(shape);
    return shape.parameters === undefined
      ? renderPost(shape, user, users)
      : renderGet(shape.parameters, user);
  });
  let index = 0;
  return () => rendered[index++];
}

/** A signed POST as Segment sends it, ready for the socket. */
function renderPost(shape: Shape, user: number, users: number): Buffer {
  const events = Array.from({ length: eventsIn(shape) }, (_, index) =>
    renderEvent((user + index) % users, shape.bytes),
  );
  const [first] = events;
  const text = JSON.stringify(shape.batch === undefined ? first : events);
  // Segment signs the first element of a batch.
  const signature = createHmac('sha1', SECRET).update(JSON.stringify(first)).digest('hex');
  const body = shape.gzip ? gzipSync(text) : Buffer.from(text);
  const head = [
    'POST /segment HTTP/1.1',
    'host: 127.0.0.1',
    'user-agent: Segment.io/1.0',
    'content-type: application/json',
    ...(shape.gzip ? ['content-encoding: gzip'] : []),
    ...(shape.unsigned ? [] : [`x-signature: ${signature}`]),
    `content-length: ${body.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body]);
}

/** A GET with flattened properties as RudderStack sends it. The header is the secret itself. */
function renderGet(parameters: number, user: number): Buffer {
  const values = Array.from({ length: parameters - 1 }, (_, index) =>
    index % 2 === 0
      ? `order.items[${index >> 1}].price=${index}.95`
      : `order.items[${index >> 1}].name=Board%20game%20${index}`,
  );
  const query = [`order.id=o-${user}`, ...values].join('&');
  return Buffer.from(
    `GET /rudderstack?${query} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: RudderLabs\r\nx-signature: ${SECRET}\r\n\r\n`,
  );
}
