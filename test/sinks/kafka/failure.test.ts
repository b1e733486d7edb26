import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { kafkaFailure } from '../../../src/sinks/kafka/failure.js';
import { SinkError } from '../../../src/sinks/sink.js';

/** kafkajs's own errors, which it does not export. */
const require = createRequire(import.meta.url);
const { errorCodes, createErrorFromCode } = require('kafkajs/src/protocol/error.js');
const errors = require('kafkajs/src/errors.js');
const codes: readonly { type: string; code: number }[] = errorCodes;

/** As its retries hand on an error. */
const wrapped = (error: Error): Error =>
  new errors.KafkaJSNonRetriableError(
    new errors.KafkaJSNumberOfRetriesExceeded(error, { retryCount: 0, retryTime: 1 }),
    { cause: error },
  );

describe('a failure of Kafka', () => {
  it('is permanent where Kafka will never take the message, and only there', () => {
    const permanent = codes
      .filter(({ code }) => !kafkaFailure(wrapped(createErrorFromCode(code)), 'here').retryable)
      .map(({ type }) => type);
    expect(permanent.sort()).toEqual([
      'INVALID_RECORD',
      'INVALID_TIMESTAMP',
      'INVALID_TOPIC_EXCEPTION',
      'MESSAGE_TOO_LARGE',
      'RECORD_LIST_TOO_LARGE',
    ]);
  });

  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', /^topic t: the user may not write to it; .*WRITE/],
    ['UNKNOWN_TOPIC_OR_PARTITION', /^topic t: there is no such topic; create it/],
    [
      'NOT_LEADER_FOR_PARTITION',
      /^topic t: the broker rejected the request \(NOT_LEADER_FOR_PARTITION\)$/,
    ],
  ])('says what to do: %s', (type, text) => {
    const { code } = codes.find((each) => each.type === type) ?? {};
    expect(kafkaFailure(createErrorFromCode(code), 'topic t').message).toMatch(text);
  });

  it.each([
    ['KafkaJSConnectionError', { code: 'ECONNREFUSED' }, /failed \(ECONNREFUSED\); check/],
    ['KafkaJSConnectionError', { code: 'a secret' }, /failed; check/],
    ['KafkaJSRequestTimeoutError', {}, /did not answer in time/],
    ['KafkaJSSASLAuthenticationError', {}, /does not accept the user name and password/],
    ['KafkaJSBrokerNotFound', {}, /the connection failed/],
  ])('may pass where it is the connection’s: %s', (name, details, text) => {
    const failure = kafkaFailure(wrapped(new errors[name]('hunter2\n', details)), 'here');
    expect(failure).toMatchObject({ retryable: true, message: expect.stringMatching(text) });
    expect(failure.message).not.toContain('hunter2');
  });

  it('is left as it is where it is a fault of ours, or judged already', () => {
    const fault = new TypeError('no');
    expect(() => kafkaFailure(fault, 'here')).toThrow(fault);
    const judged = new SinkError('judged', { retryable: false });
    expect(kafkaFailure(judged, 'here')).toBe(judged);
  });
});
