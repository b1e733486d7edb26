import { SinkError } from './sink.js';

/** What an operator can do, by the word that Redis' errors begin with. Its text is not shown: it can repeat the payload. */
const REASONS: Readonly<Record<string, string>> = {
  OOM: 'is out of memory (OOM): raise its maxmemory, or set maxLength',
  READONLY: 'is a replica and read-only (READONLY): connect to the primary',
  LOADING: 'is still loading its data (LOADING)',
  MASTERDOWN: 'has lost its primary (MASTERDOWN)',
  MISCONF: 'cannot save to its disk and takes no writes (MISCONF)',
  NOREPLICAS: 'has too few replicas to take writes (NOREPLICAS)',
  BUSY: 'is busy with a script (BUSY)',
  NOAUTH: 'asks for a password (NOAUTH): give it in url',
  WRONGPASS: 'refused user or password (WRONGPASS): check url',
  NOPERM: 'refused for lack of a right (NOPERM): see the documentation for what its user needs',
  WRONGTYPE: 'has a key of that name that is not a stream (WRONGTYPE): choose another stream',
  MOVED: 'is a node of a cluster without this stream (MOVED): connect to the one that holds it',
  ASK: 'is moving this stream to another node (ASK)',
  TRYAGAIN: 'is moving this stream to another node (TRYAGAIN)',
  CLUSTERDOWN: 'belongs to a cluster that is down (CLUSTERDOWN)',
  NOSCRIPT: 'has forgotten the script for deduplicate (NOSCRIPT)',
};

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections (ECONNREFUSED): does it run there?',
  ENOTFOUND: 'cannot be found (ENOTFOUND): check the host in url',
  EAI_AGAIN: 'cannot be found (EAI_AGAIN): the name server does not answer',
  ETIMEDOUT: 'does not answer (ETIMEDOUT): check host, port and firewall',
};

/**
 * What went wrong, in one line without payload and credentials. Everything is worth another try but a key of another type
 * where the event chose the key (`ownStreams`): of the rest none is the event's fault, and a wrong password or a full server
 * must not turn a backlog into dead letters.
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
  return new SinkError(`${who} ${why}`, { retryable, excerpt: text.slice(0, 300) });
}

/** What is told apart only by its text. */
function reasonOf(text: string): string | undefined {
  if (/^ERR unknown command/.test(text)) return 'knows no streams: it must be Redis 5 or newer';
  if (/^ERR AUTH/.test(text)) return 'has no password for this user: leave it out of url';
  if (/^ERR DB index/.test(text)) return 'has no such database: check the end of url';
  if (/^ERR max number of clients/.test(text)) return 'has as many clients as it may';
  return undefined;
}

/** OpenSSL's codes and the few texts of the driver about connections, which hold nothing that was sent. */
function connectionProblem(code: unknown, text: string): string {
  if (typeof code === 'string') return code;
  return /^connect ETIMEDOUT/.test(text) ? 'ETIMEDOUT' : 'the connection was closed';
}
