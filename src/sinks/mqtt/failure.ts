import { SinkError } from '../sink.js';
import { MqttLost } from './connection.js';

/**
 * MQTT 5's reason codes for a message that the broker rejects permanently. All others are transient or for the operator
 * to fix.
 */
const PERMANENT: Readonly<Record<number, string>> = {
  144: 'the broker does not accept the topic name',
  149: 'larger than the broker accepts',
  153: 'the broker does not accept the payload format',
};

/**
 * The user may not publish to a topic. If senders choose the topic, the event is at fault: any sender could block all
 * lanes with topics that the broker forbids.
 */
const NOT_AUTHORIZED = 135;

/** Advice for the other codes that operators meet; 1 to 5 are those of brokers before MQTT 5. */
const ADVICE: Readonly<Record<number, string>> = {
  1: 'the broker does not support MQTT 5',
  4: 'the broker does not accept the user name and password',
  5: 'the broker does not accept the user name and password, or denies them permission',
  130: 'the broker ended the connection over an error in the protocol',
  132: 'the broker does not support MQTT 5',
  133: 'the broker does not accept the client id; check clientId',
  134: 'the broker does not accept the user name and password',
  135: 'the user has no right to publish there; grant it, or check username and password',
  137: 'the broker is busy',
  138: 'the broker has banned this client',
  142: 'another client has the same client id; give each its own clientId',
  147: 'the broker received more at once than it accepts',
  151: 'a quota of the broker is exceeded',
  155: 'the broker does not support this qos',
};

/**
 * Returns the SinkError for an error; `about` says where it happened. The message repeats only MQTT's numbers and
 * Node's names of errors, never a broker's text.
 */
export function mqttFailure(error: unknown, about: string, chosen = false): SinkError {
  if (error instanceof SinkError) return error;
  const code: unknown = Object(error).code;
  if (typeof code === 'number') {
    // If a connection ended, the message that caused it is unknown.
    const isLost = error instanceof MqttLost;
    const permanent = isLost ? undefined : PERMANENT[code];
    const isDenied = chosen && !isLost && code === NOT_AUTHORIZED;
    const reason = permanent ?? ADVICE[code] ?? 'the broker rejected the request';
    return new SinkError(`${about}: ${reason} (reason code ${code})`, {
      retryable: permanent === undefined && !isDenied,
      cause: error,
    });
  }
  const named = typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? ` (${code})` : '';
  const text = `the connection failed${named}; check that the broker is running, and ssl`;
  return new SinkError(`${about}: ${text}`, { retryable: true, cause: error });
}
