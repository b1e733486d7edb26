import { Child } from '../../core/child/child.js';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import type { SinkType } from '../sink.js';
import type { LogNote } from './messages.js';
import { ModuleProcess } from './process.js';

export const moduleSink: SinkType<'module'> = {
  type: 'module',
  async create(options, context) {
    const { clock, log, name } = context;
    const module = new ModuleProcess({
      context,
      create: { path: options.path, options: options.options, name },
      startChild: () =>
        new Child({
          entry: new URL('./child.js', import.meta.url),
          clock,
          onNote: (note) => {
            const { fields, level, message } = note as LogNote;
            log[level](fields, message);
          },
          onLine: (line) => log.warn({ line }, 'the module wrote a line'),
        }),
    });
    try {
      await module.ready();
    } catch (cause) {
      throw new TrackbridgeError('CONFIG_INVALID', messageOf(cause), { cause });
    }
    return {
      open: () => module.open(),
      deliver: (batch, signal) => module.deliver(batch, signal),
      check: () => module.check(),
      async close() {
        try {
          await module.close();
        } catch (error) {
          // All events that it accepted are settled, and the other sinks still have to be closed.
          log.warn({ sink: name, error: messageOf(error) }, 'the sink did not close');
        }
      },
    };
  },
};
