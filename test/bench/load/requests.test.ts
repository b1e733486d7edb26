import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { renderRequests } from '../../../bench/load/requests.js';
import { SHAPES, type Shape } from '../../../bench/load/shapes.js';
import { SECRET } from '../../../bench/secret.js';
import { sign } from '../../support/sender.js';

const shape = (name: string): Shape => {
  const found = SHAPES.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no shape ${name}`);
  return found;
};

function request(of: Shape): { head: string; body: Buffer } {
  const bytes = renderRequests(of, 1)() ?? Buffer.alloc(0);
  const end = bytes.indexOf('\r\n\r\n');
  return { head: bytes.subarray(0, end).toString(), body: bytes.subarray(end + 4) };
}

describe('the requests of the load', () => {
  it.each(SHAPES.filter(({ parameters }) => parameters === undefined))(
    'have the size that $name says',
    (each) => {
      const { body, head } = request(each);
      expect(head).toContain(`content-length: ${body.length}`);
      const text = (each.gzip ? gunzipSync(body) : body).toString();
      const parsed = JSON.parse(text) as object | object[];
      const events = Array.isArray(parsed) ? parsed : [parsed];
      expect(events).toHaveLength(each.batch ?? 1);
      const bytes = JSON.stringify(events[0]).length;
      expect(bytes).toBeGreaterThanOrEqual(each.bytes);
      expect(bytes).toBeLessThan(each.bytes * 1.05);
    },
  );

  it('are signed by Segment’s rule', () => {
    const { body, head } = request(shape('one event of 1.2 kB'));
    expect(head).toContain(`x-signature: ${sign(body, SECRET)}`);
    const batch = request(shape('a batch of 100'));
    const [first] = JSON.parse(batch.body.toString()) as object[];
    expect(batch.head).toContain(`x-signature: ${sign(JSON.stringify(first), SECRET)}`);
    expect(request(shape('one event of 1.2 kB, unsigned')).head).not.toContain('x-signature');
  });

  it('have as many parameters as a GET says', () => {
    const [line = ''] = request(shape('GET with 40 parameters')).head.split('\r\n');
    const [, query = ''] = /^GET \/rudderstack\?(\S+) HTTP\/1\.1$/.exec(line) ?? [];
    expect(query.split('&')).toHaveLength(40);
  });

  it('never repeat an id, take turns with the users, and end', () => {
    const next = renderRequests(shape('one event of 200 B'), 4, { users: 2 });
    const events = Array.from({ length: 4 }, () => {
      const bytes = next() ?? Buffer.alloc(0);
      return JSON.parse(bytes.subarray(bytes.indexOf('\r\n\r\n') + 4).toString());
    });
    expect(new Set(events.map(({ messageId }) => messageId)).size).toBe(4);
    expect(events.map(({ userId }) => userId)).toEqual(['user-0', 'user-1', 'user-0', 'user-1']);
    expect(next()).toBeUndefined();
  });
});
