import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { VerifyConfig } from '../../../src/config/config.js';
import { explainDelivery } from '../../../src/workbench/inspect/explain-delivery.js';

const SECRET = 'the-secret-of-the-source';
const BODY = '{"type":"track","event":"A"}';
const hub: VerifyConfig = {
  scheme: 'hmac',
  header: 'x-hub',
  secrets: [SECRET],
  algorithm: 'sha256',
  encoding: 'base64',
  prefix: 'sha256=',
};
const shared: VerifyConfig = { scheme: 'shared-secret', header: 'X-Key', secrets: ['one', SECRET] };
const segment: VerifyConfig = {
  scheme: 'segment-signature',
  header: 'x-signature',
  secrets: [SECRET],
  batch: 'first-element',
};

function explain(scheme: VerifyConfig, rawHeaders: readonly string[], body = BODY): string {
  const explained = explainDelivery({
    schemes: [scheme],
    rawHeaders,
    body: Buffer.from(body),
    verified: false,
    reason: 'no',
  });
  expect(JSON.stringify(explained)).not.toContain(SECRET);
  return explained.sentences.join(' ');
}
const macOf = (text: string): string => createHmac('sha256', SECRET).update(text).digest('base64');

describe('an explanation of a delivery', () => {
  it('says of a signature what would make it hold', () => {
    const signature = createHmac('sha1', SECRET).update(`${BODY}\n`).digest('hex');
    expect(explain(segment, ['X-Signature', signature])).toContain('a line feed is added');
    expect(explain(segment, [])).toContain('has no x-signature header');
    expect(explain(segment, ['x-signature', SECRET])).toContain('scheme shared-secret');
  });

  it('takes the configured algorithm, encoding and prefix of hmac for what they are', () => {
    expect(explain(hub, ['x-hub', `sha256=${macOf(BODY)}`])).toContain('The signature is valid');
    const changed = explain(hub, ['x-hub', `sha256=${macOf(`${BODY}\n`)}`]);
    expect(changed).toContain('a line feed is added');
    expect(changed).not.toContain('sha256 is used');
  });

  it.each([
    [[], 'has no x-key header'],
    [['x-key', `${SECRET} `], 'whitespace'],
    [['x-key', `"${SECRET}"`], 'without its quotes'],
    [['x-key', `Bearer ${SECRET}`], 'without the word before it'],
    [['x-key', `x-key: ${SECRET}`], 'without the name of a header'],
    [['x-key', Buffer.from(SECRET).toString('base64')], 'base64'],
    [['x-key', SECRET.replaceAll('-', '%2D')], 'percent-decoded'],
    [['x-key', 'something else'], 'differs from the secret'],
    [['x-key', SECRET], 'is the secret 2 of 2'],
  ])('says of the header %j: %s', (rawHeaders, expected) => {
    expect(explain(shared, rawHeaders)).toContain(expected);
  });

  it('says so where it never came to that, and where there is nothing to look into', () => {
    const { sentences, verified } = explainDelivery({
      schemes: [{ scheme: 'none' }],
      rawHeaders: [],
      body: new Uint8Array(),
      verified: null,
    });
    expect(verified).toBeNull();
    expect(sentences).toEqual([
      'The delivery was rejected before verification.',
      'The source accepts every delivery: its scheme is none.',
    ]);
  });
});
