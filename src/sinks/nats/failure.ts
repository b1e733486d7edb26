import { SinkError } from '../sink.js';

/** Errors about the message itself: it, or its headers, exceed the stream's maximum. */
const ABOUT_THE_EVENT: readonly number[] = [10054, 10097];

const STREAM_NOT_FOUND = 10059;
const OTHER_STREAM = 10060;
const OVERLAP = 10065;

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections (ECONNREFUSED): check that it is running',
  ENOTFOUND: 'cannot be found (ENOTFOUND): check servers',
  EAI_AGAIN: 'cannot be found (EAI_AGAIN): the name server does not answer',
  ETIMEDOUT: 'does not answer (ETIMEDOUT): check servers and firewall',
};

/**
 * Describes an error in one line without payload and credentials. Everything is retryable except errors about the event
 * itself: a missing or full stream and a wrong password must not turn a backlog into dead letters. Errors are
 * recognized by names and codes, because the driver is loaded only when configured and its classes are not available
 * here.
 */
export function natsFailure(who: string, error: unknown): SinkError {
  if (error instanceof SinkError) return error;
  const chain = causesOf(error);
  const api = chain.map(apiErrorOf).find((each) => each !== undefined);
  if (api !== undefined) {
    const retryable = !ABOUT_THE_EVENT.includes(api.code);
    return new SinkError(`${who} ${reasonOf(api.code)}`, { retryable, farSide: api.description });
  }
  return new SinkError(`${who} ${connectionReason(chain)}`, { retryable: true });
}

/** Returns JetStream's number of an error; undefined if it is another kind of error. */
export function apiCodeOf(error: unknown): number | undefined {
  return causesOf(error)
    .map(apiErrorOf)
    .find((each) => each !== undefined)?.code;
}

export function isStreamMissing(error: unknown): boolean {
  return apiCodeOf(error) === STREAM_NOT_FOUND;
}

function reasonOf(code: number): string {
  if (code === 10054) return "rejected the event: it is over the stream's max_msg_size (10054)";
  if (code === 10097) return 'rejected the event: its headers are too large (10097)';
  if (code === STREAM_NOT_FOUND)
    return 'has no such stream (10059): create it, or set createStream';
  if (code === OTHER_STREAM) return 'keeps this subject in another stream (10060): check stream';
  if (code === OVERLAP) return 'already has a stream for these subjects (10065): set stream to it';
  if (code === 10077) return 'could not store the event (10077): the stream is full or its disk is';
  if (code === 10023 || code === 10047) return `has insufficient resources (${code})`;
  return `rejected the event (JetStream error ${code})`;
}

function connectionReason(chain: readonly Error[]): string {
  const has = (name: string): boolean => chain.some((each) => each.name === name);
  if (has('PermissionViolationError'))
    return 'denied permission: check the permissions of the user';
  if (has('UserAuthenticationExpiredError')) return 'says that the credentials have expired';
  if (has('AuthorizationError')) return 'rejected the credentials: check credentials';
  if (has('JetStreamNotEnabled') || has('NoRespondersError')) {
    return 'has no stream for this subject, or no JetStream: create one, or set createStream';
  }
  if (has('TimeoutError')) return 'did not answer in time';
  const code = chain
    .map((each) => String(Object(each).code))
    .find((each) => /^E?[A-Z_]{5,}$/.test(each));
  if (code !== undefined) return CAUSES[code] ?? `cannot be reached: ${code}`;
  if (has('ClosedConnectionError')) return 'closed the connection';
  return 'cannot be reached: the connection failed';
}

function causesOf(error: unknown): readonly Error[] {
  const chain: Error[] = [];
  for (let each = error; each instanceof Error && chain.length < 8; each = each.cause) {
    chain.push(each);
    if (each instanceof AggregateError)
      chain.push(...each.errors.filter((one) => one instanceof Error));
  }
  return chain;
}

function apiErrorOf(error: Error): { code: number; description: string } | undefined {
  if (!('code' in error) || typeof error.code !== 'number') return undefined;
  if (error.name !== 'JetStreamApiError' && error.name !== 'StreamNotFoundError') return undefined;
  return { code: error.code, description: error.message.slice(0, 300) };
}
