import { TrackbridgeError } from '../../src/core/errors.js';

/** What `decode` throws; fails where it throws nothing, or anything but an error of this program. */
export function refusalOf(decode: () => unknown): TrackbridgeError {
  try {
    decode();
  } catch (error) {
    if (error instanceof TrackbridgeError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}
