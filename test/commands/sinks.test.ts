import { afterEach, describe, expect, it } from 'vitest';
import { TrackbridgeError } from '../../src/core/errors.js';
import { close } from '../admin/listen.js';
import { delivery, newEvents } from '../outbox/samples.js';
import { servedAdmin } from './served-admin.js';

afterEach(close);

describe('trackbridge sinks', () => {
  const served = async (error?: TrackbridgeError) => {
    const set: unknown[] = [];
    const setPaused = async (sink: string, paused: boolean): Promise<void> => {
      if (error !== undefined) throw error;
      set.push([sink, paused]);
    };
    return { ...(await servedAdmin([{ name: 'a/b c' }], { setPaused })), set };
  };

  it('pause and resume one sink, whatever its name', async () => {
    const { run, set } = await served();
    expect(await run('sinks', 'pause', 'a/b c')).toEqual({
      code: 0,
      stdout: 'paused a/b c\n',
      stderr: '',
    });
    const { stdout } = await run('sinks', 'resume', 'a/b c', '--json');
    expect(JSON.parse(stdout)).toEqual({ sink: 'a/b c', paused: false });
    expect(set).toEqual([
      ['a/b c', true],
      ['a/b c', false],
    ]);
  });

  it('purge discards the backlog of one sink and says how many events that were', async () => {
    const { outbox, run } = await served();
    await outbox.append(delivery(newEvents(3)));
    expect(await run('sinks', 'purge', 'a/b c')).toMatchObject({ code: 0, stdout: 'purged 3\n' });
    const { sinks } = await outbox.stats();
    expect(sinks).toMatchObject([{ pending: 0, discarded: 3, delivered: 0 }]);
  });

  it('fail for a sink that is not there, and say what to do', async () => {
    const { run } = await served(new TrackbridgeError('NOT_FOUND', 'there is no such sink'));
    expect(await run('sinks', 'pause', 'nowhere')).toMatchObject({
      code: 1,
      stderr: 'trackbridge: the admin listener answered 404: there is no such sink\n',
    });
    expect(await run('sinks', 'purge', 'nowhere')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('there is no sink with this name; trackbridge stats lists'),
    });
  });

  it('require a name', async () => {
    const { run } = await served();
    expect((await run('sinks', 'purge')).code).toBe(2);
  });
});
