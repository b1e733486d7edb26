import { TrackbridgeError } from '../../core/errors.js';

/** Returns the error for a replay of a sink that has an unfinished one. */
export function unfinishedReplay(): TrackbridgeError {
  const problem = 'a replay for this sink is unfinished; resume or cancel it first';
  return new TrackbridgeError('OVERLOADED', problem, { retryAfter: 5_000 });
}

/** Returns the error for a request about a replay that there is not. */
export function noReplay(): TrackbridgeError {
  return new TrackbridgeError('NOT_FOUND', 'there is no unfinished replay for this sink');
}
