import type { SinkOptions } from '../../config/config.js';
import { configInvalid } from '../../core/errors.js';
import { type StatusKind, statusKind } from '../kit/http-answer.js';

type StatusOptions = Pick<SinkOptions['http'], 'success' | 'retryOn' | 'dropOn'>;

const KINDS = { success: 'success', retryOn: 'transient', dropOn: 'permanent' } as const;

/**
 * Returns what a status means by the options; where they say nothing, by the contract: 2xx is a success, 408, 429 and
 * 5xx are transient, all others permanent. Throws CONFIG_INVALID if two lists have the same entry.
 */
export function createStatusKind(options: StatusOptions): (status: number) => StatusKind {
  const kinds = new Map<string, StatusKind>();
  for (const list of ['success', 'retryOn', 'dropOn'] as const) {
    for (const entry of options[list]) {
      const key = String(entry);
      const before = kinds.get(key);
      if (before !== undefined && before !== KINDS[list]) {
        throw configInvalid(`${list}: ${key} is in another list, too; remove it from one`);
      }
      kinds.set(key, KINDS[list]);
    }
  }
  return (status) =>
    kinds.get(String(status)) ?? kinds.get(`${Math.floor(status / 100)}xx`) ?? statusKind(status);
}
