import { SinkError } from './sink.js';

/** What kafkajs's errors carry; it exports no class of them to its ES module users. */
interface KafkaFault extends Error {
  /** Kafka's own name of the error, where a broker sent it. */
  readonly type?: string;
  /** Node's, where the connection failed. */
  readonly code?: unknown;
}

/**
 * What Kafka says of a message that it will never take, from its table of error codes. All else may pass: leaders move,
 * replicas come back, and topics, rights and credentials are the operator's to set right, which must not cost a backlog.
 */
const PERMANENT: Readonly<Record<string, string>> = {
  MESSAGE_TOO_LARGE: 'larger than the topic takes; see its max.message.bytes',
  RECORD_LIST_TOO_LARGE: 'larger than a segment of the topic',
  INVALID_TOPIC_EXCEPTION: 'Kafka does not take the name of the topic',
  INVALID_RECORD:
    'the topic does not take such a record, as one without a key where it is compacted',
  INVALID_TIMESTAMP: 'the topic does not take its time',
};

/** What to do about the refusals that an operator meets first. */
const ADVICE: Readonly<Record<string, string>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'there is no such topic; create it, or set createTopics',
  TOPIC_AUTHORIZATION_FAILED: 'the user may not write there; grant it WRITE and DESCRIBE',
  CLUSTER_AUTHORIZATION_FAILED: 'the user has no right on the cluster',
  UNSUPPORTED_SASL_MECHANISM: 'the broker does not have this mechanism; see sasl.mechanism',
};

/**
 * The SinkError that stands for what kafkajs threw; `about` says where, as in `topic events.track`. Only Kafka's and
 * Node's names of errors are repeated, never a broker's text. What is no error of kafkajs or a socket is thrown as it is:
 * it is a fault here.
 */
export function kafkaFailure(error: unknown, about: string): SinkError {
  if (error instanceof SinkError) return error;
  const fault = innermost(error);
  const { type } = fault;
  if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) {
    const permanent = PERMANENT[type];
    const reason = permanent ?? ADVICE[type] ?? 'the broker refused';
    return new SinkError(`${about}: ${reason} (${type})`, {
      retryable: permanent === undefined,
      cause: fault,
    });
  }
  const text = connectionText(fault);
  if (text === undefined) throw error;
  return new SinkError(`${about}: ${text}`, { retryable: true, cause: fault });
}

/** kafkajs wraps what happened in what its retries made of it. */
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
      return 'the broker cannot do what is asked of it; check sasl, and that it is Kafka 0.11 or newer';
    case 'KafkaJSRequestTimeoutError':
      return 'the broker did not answer in time';
    default:
      if (named === '' && name?.startsWith('KafkaJS') !== true) return undefined;
      return `the connection failed${named}; check that the brokers run, and ssl`;
  }
}
