import { createObservations, type Observations } from '../../src/core/observe.js';

/** An observation port on which no subscriber may throw. */
export function observed(): Observations {
  return createObservations((error) => {
    throw error;
  });
}
