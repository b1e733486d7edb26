import { MqttLost } from './mqtt-connection.js';
import { SinkError } from './sink.js';

/** MQTT 5's reason codes for a message that the broker will never take. All else may pass, or is the operator's to mend. */
const PERMANENT: Readonly<Record<number, string>> = {
  144: 'the broker does not take the name of the topic',
  149: 'larger than the broker takes',
  153: 'the broker does not take such a payload',
};

/** What to do about the others that an operator meets; 1 to 5 are those of brokers before MQTT 5. */
const ADVICE: Readonly<Record<number, string>> = {
  1: 'the broker does not know MQTT 5',
  4: 'the broker does not accept the user name and password',
  5: 'the broker does not accept the user name and password, or gives them no right',
  130: 'the broker ended the connection over an error in the protocol',
  132: 'the broker does not know MQTT 5',
  133: 'the broker does not accept the client id; check clientId',
  134: 'the broker does not accept the user name and password',
  135: 'the user has no right to it; grant it, or check username and password',
  137: 'the broker is busy',
  138: 'the broker has banned this client',
  142: 'another client has the same client id; give each its own clientId',
  147: 'the broker was sent more at once than it takes',
  151: 'a quota of the broker is exceeded',
  155: 'the broker does not take this qos',
};

/**
 * The SinkError that stands for what went wrong; `about` says where. Only MQTT's numbers and Node's names of errors are
 * repeated, never a broker's text.
 */
export function mqttFailure(error: unknown, about: string): SinkError {
  if (error instanceof SinkError) return error;
  const code: unknown = Object(error).code;
  if (typeof code === 'number') {
    // Of a connection that ended it is not known over which message.
    const permanent = error instanceof MqttLost ? undefined : PERMANENT[code];
    const reason = permanent ?? ADVICE[code] ?? 'the broker refused';
    return new SinkError(`${about}: ${reason} (reason code ${code})`, {
      retryable: permanent === undefined,
      cause: error,
    });
  }
  const named = typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code) ? ` (${code})` : '';
  const text = `the connection failed${named}; check that the broker runs there, and ssl`;
  return new SinkError(`${about}: ${text}`, { retryable: true, cause: error });
}
