import { SinkError } from '../sink.js';

/** The fields of kafkajs's errors. kafkajs exports no error classes to ES modules. */
interface KafkaFault extends Error {
  /** Kafka's own name of the error, if a broker sent it. */
  readonly type?: string;
  /** Node's code, if the connection failed. */
  readonly code?: unknown;
}

/**
 * Errors with which Kafka rejects a message permanently, from its table of error codes. All others are transient:
 * leaders move and replicas return, and operators fix topics, rights and credentials, which must not cost a backlog.
 */
const PERMANENT: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'larger than the topic accepts; see its max.message.bytes',
  RECORD_LIST_TOO_LARGE: 'larger than a segment of the topic',
  INVALID_TOPIC_EXCEPTION: 'Kafka does not accept the name of the topic',
  INVALID_RECORD:
    'the topic rejects this record, for example one without a key in a compacted topic',
  INVALID_TIMESTAMP: 'the topic does not accept its timestamp',
};

/**
 * Errors about a topic. If senders choose the topic, the event is at fault: waiting for an invented topic would block
 * the lane, and any sender could block all lanes.
 */
const ABOUT_TOPIC = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'TOPIC_AUTHORIZATION_FAILED']);

/** Advice for the errors that operators meet first. */
const ADVICE: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'there is no such topic; create it, or set createTopics',
  TOPIC_AUTHORIZATION_FAILED: 'the user may not write to it; grant WRITE and DESCRIBE',
  CLUSTER_AUTHORIZATION_FAILED: 'the user has no right on the cluster',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not support this mechanism; check sasl.mechanism',
};

/**
 * Returns the SinkError for an error of kafkajs. `about` says where it happened, for example `topic events.track`;
 * `chosen` says whether senders choose the topic. The message repeats only Kafka's and Node's names of errors, never a
 * broker's text. An error that comes from neither kafkajs nor a socket is a bug here and is thrown unchanged.
 */
export function kafkaFailure(error: unknown, about: string, chosen = false): SinkError {
  if (error instanceof SinkError) return error;
  const fault = innermost(error);
  const { type } = fault;
  if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) {
    const permanent = PERMANENT[type];
    const reason = permanent ?? ADVICE[type] ?? 'the broker rejected the request';
    return new SinkError(`${about}: ${reason} (${type})`, {
      retryable: permanent === undefined && !(chosen && ABOUT_TOPIC.has(type)),
      cause: fault,
    });
  }
  const text = connectionText(fault);
  if (text === undefined) throw error;
  return new SinkError(`${about}: ${text}`, { retryable: true, cause: fault });
}

/** kafkajs wraps the original error in the errors of its retries. */
function innermost(error: unknown): KafkaFault {
  let fault = error as KafkaFault;
  while (fault.type === undefined && fault.cause instanceof Error)
    fault = fault.cause as KafkaFault;
  return fault;
}

function connectionText({ name, code }: KafkaFault): string | undefined {
  const named = typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? ` (${code})` : '';
  switch (name) {
    case 'KafkaJSSASLAuthenticationError':
      return 'the broker does not accept the user name and password; check sasl';
    case 'KafkaJSServerDoesNotSupportApiKey':
      return 'the broker does not support the request; check sasl, and that the broker is Kafka 0.11 or newer';
    case 'KafkaJSRequestTimeoutError':
      return 'the broker did not answer in time';
    default:
      if (named === '' && name?.startsWith('KafkaJS') !== true) return undefined;
      return `the connection failed${named}; check that the brokers are running, and ssl`;
  }
}
