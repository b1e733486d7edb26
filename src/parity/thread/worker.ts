import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { after, systemClock } from '../../core/clock.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { toFailure } from '../../core/link/failure.js';
import { hashOf } from '../hash.js';
import type { ParityReply, ParityRequest, ThreadData } from './messages.js';
import { Pairing } from './pairing.js';

/** How often settled events are looked for, in milliseconds. */
const IDLE = 250;
/** The pause after a failure, in milliseconds: a full disk does not get better at once. */
const AFTER_FAILURE = 1_000;
/** Work pauses for this multiple of the time it took, so that it costs the receiver at most a part of a core. */
const PAUSES = 2;

/** The entry point of the comparisons' thread: records arrivals at once, and pairs them in the time between. */
function run(): void {
  const { comparisons } = workerData as ThreadData;
  const clock = systemClock;
  const pairing = new Pairing(comparisons, clock.now(), bootId());
  const send = (message: ParityReply): void => parentPort?.postMessage(message);
  let isClosed = false;

  const work = (): void => {
    if (isClosed) return;
    const startedAt = clock.monotonic();
    let pause = IDLE;
    try {
      if (pairing.step(clock.now())) pause = PAUSES * (clock.monotonic() - startedAt);
    } catch (error) {
      send({ warning: messageOf(error) });
      pause = AFTER_FAILURE;
    }
    after(pause, work);
  };

  const answer = (request: ParityRequest): ParityReply => {
    switch (request.kind) {
      case 'arrivals':
        pairing.append(request.events);
        return { reply: null };
      case 'gap':
        pairing.gap(request.gap);
        return { reply: null };
      case 'report':
        return { reply: pairing.report(request.request) };
      case 'states':
        return { reply: pairing.states(clock.now()) };
      case 'close':
        isClosed = true;
        pairing.close();
        return { reply: null };
    }
  };

  parentPort?.on('message', (request: ParityRequest) => {
    try {
      send(answer(request));
    } catch (error) {
      send({ failure: toFailure(asError(error)) });
    }
  });
  send({ reply: null });
  work();
}

function asError(error: unknown): TrackbridgeError {
  if (error instanceof TrackbridgeError) return error;
  return new TrackbridgeError('INTERNAL', 'the comparison failed', { cause: error });
}

/** Identifies the start of the machine. After another start, what was written last may be lost. */
function bootId(): number {
  try {
    return hashOf(readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  } catch {
    return 0;
  }
}

run();
