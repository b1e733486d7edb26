import { SinkError } from '../sink.js';

/** Advice by the first word of Redis' errors. Their text is not shown, because it can repeat the payload. */
const REASONS: Readonly<Record<string, string>> = {
  OOM: 'is out of memory (OOM): raise its maxmemory, or set maxLength',
  READONLY: 'is a replica and read-only (READONLY): connect to the primary',
  LOADING: 'is still loading its data (LOADING)',
  MASTERDOWN: 'has lost its primary (MASTERDOWN)',
  MISCONF: 'cannot save to its disk and rejects writes (MISCONF)',
  NOREPLICAS: 'has too few replicas to accept writes (NOREPLICAS)',
  BUSY: 'is busy with a script (BUSY)',
  NOAUTH: 'requires a password (NOAUTH): add it to url',
  WRONGPASS: 'rejected the user or password (WRONGPASS): check url',
  NOPERM: 'denied permission (NOPERM): see the documentation for the rights that its user needs',
  WRONGTYPE: 'has a key of that name that is not a stream (WRONGTYPE): choose another stream',
  MOVED: 'is a node of a cluster without this stream (MOVED): connect to the node that has it',
  ASK: 'is moving this stream to another node (ASK)',
  TRYAGAIN: 'is moving this stream to another node (TRYAGAIN)',
  CLUSTERDOWN: 'belongs to a cluster that is down (CLUSTERDOWN)',
  NOSCRIPT: 'no longer has the script for deduplicate (NOSCRIPT)',
};

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections (ECONNREFUSED): check that it is running',
  ENOTFOUND: 'cannot be found (ENOTFOUND): check the host in url',
  EAI_AGAIN: 'cannot be found (EAI_AGAIN): the name server does not answer',
  ETIMEDOUT: 'does not answer (ETIMEDOUT): check host, port and firewall',
};

/**
 * Describes an error in one line without payload and credentials. Everything is retryable except a key of another type
 * that the event chose (`ownStreams`). No other error is the event's fault, and a wrong password or a full server must
 * not turn a backlog into dead letters.
 */
export function redisFailure(who: string, error: unknown, ownStreams = false): SinkError {
  if (error instanceof SinkError) return error;
  const { code, message, name } = error as { code?: unknown; message?: unknown; name?: unknown };
  const text = String(message);
  if (name !== 'ReplyError') {
    const why = CAUSES[String(code)] ?? `cannot be reached: ${connectionProblem(code, text)}`;
    return new SinkError(`${who} ${why}`, { retryable: true });
  }
  const word = /^[A-Z]+/.exec(text)?.[0] ?? 'ERR';
  const retryable = !(ownStreams && word === 'WRONGTYPE');
  const why = REASONS[word] ?? reasonOf(text) ?? `answered an error (${word})`;
  return new SinkError(`${who} ${why}`, { retryable, farSide: text.slice(0, 300) });
}

/** Recognizes errors that differ only in their text. */
function reasonOf(text: string): string | undefined {
  if (/^ERR unknown command/.test(text)) return 'does not support streams: use Redis 5 or newer';
  if (/^ERR AUTH/.test(text)) return 'has no password for this user: remove the password from url';
  if (/^ERR DB index/.test(text)) return 'has no such database: check the end of url';
  if (/^ERR max number of clients/.test(text)) return 'has reached its maxclients';
  return undefined;
}

/** OpenSSL's codes and the driver's few texts about connections, which contain nothing that was sent. */
function connectionProblem(code: unknown, text: string): string {
  if (typeof code === 'string') return code;
  return /^connect ETIMEDOUT/.test(text) ? 'ETIMEDOUT' : 'the connection was closed';
}
