import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, TrackbridgeError } from '../errors.js';
import type { Transform } from './transform.js';

/**
 * Loads the `transform` function that an ES module exports. `path` is relative to the working directory; `sink` is the
 * sink's name, for the error. Throws CONFIG_INVALID where the file cannot be read or loaded, or exports no such function.
 */
export async function loadTransform(path: string, sink: string): Promise<Transform> {
  const file = resolve(path);
  const problem = (what: string, cause?: unknown): TrackbridgeError =>
    new TrackbridgeError('CONFIG_INVALID', `sinks.${sink}.transform: ${what}`, { cause });

  // Asked first, since a module that is not found may also be one that the transform itself imports.
  await access(file).catch((error: unknown) => {
    throw problem(`there is no readable file ${path}; give the path of an ES module`, error);
  });
  const module = await import(pathToFileURL(file).href).catch((error: unknown) => {
    const [reason] = messageOf(error).split('\n', 1);
    throw problem(`${path} cannot be loaded: ${reason}`, error);
  });
  const { transform }: { transform?: unknown } = module;
  if (typeof transform !== 'function') {
    throw problem(
      `${path} exports no function "transform"; write: export function transform(event)`,
    );
  }
  return transform as Transform;
}
