import { TrackbridgeError } from '../core/errors.js';

/** Returns the error for an operator's request about an unknown sink. */
export function unknownSink(): TrackbridgeError {
  return new TrackbridgeError(
    'NOT_FOUND',
    'there is no sink with this name; trackbridge stats lists the configured sinks',
  );
}
