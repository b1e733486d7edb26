import { createHmac } from 'node:crypto';

/** Segment's rule: hexadecimal HMAC-SHA1 over the bytes, under the shared secret. */
export function sign(body: string | Buffer, secret: string): string {
  return createHmac('sha1', secret).update(body).digest('hex');
}

/** One delivery as Segment's webhooks send it. `signed` is what the signature covers, where that is not the body. */
export async function deliverSegment(
  url: string,
  body: string,
  secret: string,
  signed: string = body,
): Promise<Response> {
  return await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Segment.io/1.0',
      'x-signature': sign(signed, secret),
    },
    body,
  });
}

/** A track event with an id, as JSON text. */
export function trackText(messageId: string, more: object = {}): string {
  return JSON.stringify({
    type: 'track',
    event: 'Order Completed',
    messageId,
    userId: 'u-1',
    properties: { revenue: 39.95 },
    timestamp: '2026-01-02T03:04:05.000Z',
    ...more,
  });
}
