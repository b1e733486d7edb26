import closeWithGrace from 'close-with-grace';
import { systemClock, withinTime } from '../core/clock.js';
import { errorOf } from '../core/errors.js';
import type { Service } from '../service/service.js';
import { type Log, type LogOutput, written } from '../telemetry/log.js';

/** Milliseconds for writing the last lines of the log at the end of a drain. */
const LOG_WITHIN = 400;

/**
 * Drains and exits with 0 on a signal, and with 1 on an uncaught error, such as one thrown by a timer of an operator's
 * own module. Such an error leaves the process in an unknown state, so a supervisor should start a new one; but
 * deliveries in flight can be answered and the latest events delivered. Unhandled rejections end here too, because Node
 * turns them into uncaught errors.
 *
 * `skip` lists signals that the caller handles. `uninstall` removes all handlers.
 */
export function drainAtEnd(
  service: Service,
  log: Log,
  output: LogOutput,
  skip: readonly 'SIGHUP'[] = [],
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
      if (uncaught > 1) log.error({ errors: uncaught }, 'total number of uncaught errors');
      log.info({}, 'stopped');
    } catch (error) {
      closed = false;
      log.fatal({ err: error }, 'the outbox did not close in time; exiting without it');
    }
    const logged = unread || (await isWritten(output));
    // The process cannot exit while a thread hangs in fdatasync or writes to a pipe that is not read: Node would wait
    // for it forever. Acknowledged events are in the outbox, whose next start recovers it.
    if (!closed || !logged) process.kill(process.pid, 'SIGKILL');
    if (uncaught > 0) process.exit(1);
  };
  // close-with-grace does not handle errors: it would exit at the second one, in the middle of the drain. It has no
  // timeout either: `stop` keeps to its ten seconds, and a second timer would be as late as everything else and exit
  // with 1.
  const closing = closeWithGrace(
    { delay: false, logger: log, skip: ['uncaughtException', 'unhandledRejection', ...skip] },
    drain,
  );

  const onUncaught = (thrown: unknown): void => {
    const err = errorOf(thrown);
    uncaught++;
    // Errors tend to repeat: the first is logged in full, the others are counted.
    if (uncaught > 1) log.debug({ err }, 'another uncaught error');
    else log.fatal({ err }, 'uncaught error; shutting down');
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
  const flushed = written(output).then(() => true);
  return await withinTime(flushed, LOG_WITHIN, systemClock, () => false);
}
