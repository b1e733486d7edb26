import closeWithGrace from 'close-with-grace';
import { systemClock } from '../clock.js';
import { type Log, type LogOutput, written } from '../telemetry/log.js';
import type { Trackbridge } from '../trackbridge.js';

/** The contract gives a drain ten seconds; past them whatever still hangs is left to the outbox. */
const DRAIN_WITHIN = 10_000;

/** How long the last lines of the log may take at the end of a drain. */
const LOG_WITHIN = 400;

/**
 * Drains and leaves with 0 on a signal, and with 1 on an error nobody caught: say, one that a timer of an operator's own
 * module threw. Such an error leaves the process in an unknown state, so a supervisor should start a clean one; but what
 * is in flight can be answered, and what came in last delivered. The promises that nobody waits for end here, too: Node
 * makes an uncaught error of what they reject with.
 *
 * `uninstall` takes everything back.
 */
export function drainAtEnd(
  service: Trackbridge,
  log: Log,
  output: LogOutput,
): { uninstall(): void } {
  let unread = false;
  let draining = false;
  let uncaught = 0;
  output.once('error', () => {
    unread = true;
  });

  const drain = async ({ signal }: { signal?: string }): Promise<void> => {
    draining = true;
    if (signal !== undefined) log.info({ signal }, 'draining');
    let closed = true;
    try {
      await service.stop();
      if (uncaught > 1) log.error({ errors: uncaught }, 'errors that nobody caught, in all');
      log.info({}, 'stopped');
    } catch (error) {
      closed = false;
      log.fatal({ err: error }, 'the outbox did not close; ending without it');
    }
    const logged = unread || (await isWritten(output));
    // No exit happens while a thread hangs in fdatasync, or writes to a pipe that nobody reads: Node would wait for it for
    // ever. What was acknowledged is in the outbox, whose next start puts it in order.
    if (!closed || !logged) process.kill(process.pid, 'SIGKILL');
    if (uncaught > 0) process.exit(1);
  };
  // Errors are not left to it: it would exit at the second one, in the middle of the drain.
  const closing = closeWithGrace(
    { delay: DRAIN_WITHIN, logger: log, skip: ['uncaughtException', 'unhandledRejection'] },
    drain,
  );

  const onUncaught = (thrown: unknown): void => {
    const err = thrown instanceof Error ? thrown : new Error(`no error, but ${nameOf(thrown)}`);
    uncaught++;
    // What fails once fails again and again: the first says why, the others are counted.
    if (uncaught > 1) log.debug({ err }, 'another error that nobody caught');
    else log.fatal({ err }, 'an error that nobody caught; shutting down');
    if (!draining) closing.close();
  };
  process.on('uncaughtException', onUncaught);
  return {
    uninstall() {
      closing.uninstall();
      process.off('uncaughtException', onUncaught);
    },
  };
}

async function isWritten(output: LogOutput): Promise<boolean> {
  const late = systemClock.sleep(LOG_WITHIN).then(() => false);
  return await Promise.race([written(output).then(() => true), late]);
}

/** Of an object only what it is: it may hold a payload, and need not have a `toString`. */
function nameOf(thrown: unknown): string {
  return typeof thrown === 'object' ? Object.prototype.toString.call(thrown) : String(thrown);
}
