import { answered, retryAfterIn } from '../kit/http-answer.js';
import type { HttpAnswer } from '../kit/http-client.js';
import type { SinkError } from '../sink.js';

const CREDENTIALS = 'check accessKeyId and secretAccessKey';
const REGION = 'the bucket is in another region; check endpoint and region';

/** Advice by the codes in S3's answers (Amazon S3 API reference, "Error responses"). */
const ADVICE = new Map<string, (bucket: string) => string>([
  ['NoSuchBucket', (bucket) => `create the bucket ${bucket}, or correct bucket`],
  ['AccessDenied', (bucket) => `grant the key s3:PutObject on the bucket ${bucket}`],
  ['AllAccessDisabled', (bucket) => `no one may use the bucket ${bucket}`],
  ['InvalidAccessKeyId', () => CREDENTIALS],
  ['SignatureDoesNotMatch', () => CREDENTIALS],
  ['ExpiredToken', () => CREDENTIALS],
  ['RequestTimeTooSkewed', () => 'set the clock of this machine'],
  ['PermanentRedirect', () => REGION],
  ['TemporaryRedirect', () => REGION],
  ['AuthorizationHeaderMalformed', () => REGION],
  ['IllegalLocationConstraintException', () => REGION],
]);

/** For answers without a code. */
const BY_STATUS: ReadonlyMap<number, string> = new Map([
  [301, 'PermanentRedirect'],
  [307, 'TemporaryRedirect'],
  [401, 'InvalidAccessKeyId'],
  [403, 'AccessDenied'],
  [404, 'NoSuchBucket'],
]);

/** The code in the XML of an error. */
export function codeIn(answer: Pick<HttpAnswer, 'body'>): string | undefined {
  return /<Code>\s*(\w{1,64})\s*<\/Code>/.exec(answer.body)?.[1];
}

/**
 * Interprets an answer: undefined for 2xx. Only an object that is too large is rejected permanently. Any other error
 * concerns bucket, key or clock, which an operator can fix, and must not cost events. `now` is this machine's time.
 */
export function s3Failure(answer: HttpAnswer, bucket: string, now: number): SinkError | undefined {
  const { status, headers, excerpt } = answer;
  if (status >= 200 && status < 300) return undefined;
  const code = codeIn(answer);
  const advice = ADVICE.get(code ?? BY_STATUS.get(status) ?? '')?.(bucket);
  const retryable = status !== 413 && code !== 'EntityTooLarge';
  return answered(status, excerpt, {
    who: 'the store',
    retryable,
    retryAfter: retryable ? retryAfterIn(headers, now) : undefined,
    advice: [code, advice].filter((part) => part !== undefined).join(', ') || undefined,
  });
}
