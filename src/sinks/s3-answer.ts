import { answered, retryAfterIn } from './http-answer.js';
import type { HttpAnswer } from './http-client.js';
import type { SinkError } from './sink.js';

const CREDENTIALS = 'check accessKeyId and secretAccessKey';
const REGION = 'the bucket is elsewhere; check endpoint and region';

/** What to do about the codes in S3's answers (Amazon S3 API reference, "Error responses"). */
const ADVICE = new Map<string, (bucket: string) => string>([
  ['NoSuchBucket', (bucket) => `create the bucket ${bucket}, or correct bucket`],
  ['AccessDenied', (bucket) => `give the key s3:PutObject on the bucket ${bucket}`],
  ['AllAccessDisabled', (bucket) => `nobody may use the bucket ${bucket}`],
  ['InvalidAccessKeyId', () => CREDENTIALS],
  ['SignatureDoesNotMatch', () => CREDENTIALS],
  ['ExpiredToken', () => CREDENTIALS],
  ['RequestTimeTooSkewed', () => 'set the clock of this machine'],
  ['PermanentRedirect', () => REGION],
  ['TemporaryRedirect', () => REGION],
  ['AuthorizationHeaderMalformed', () => REGION],
  ['IllegalLocationConstraintException', () => REGION],
]);

/** Where an answer has no code to go by. */
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
 * What an answer means: undefined for 2xx. Only an object that is too large is refused for good: whatever else a store
 * refuses is about bucket, key or clock, which somebody will mend, and must not cost events. `now`: our own time.
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
