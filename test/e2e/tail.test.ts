import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeAdmin, fakeAdmin, summaryOf } from '../support/fake-admin.js';
import { eventually, runCommand, startCommand } from '../support/receiver.js';

describe('tail, of whatever has the API', () => {
  let admin: FakeAdmin;
  beforeEach(async () => {
    admin = await fakeAdmin();
  });
  afterEach(async () => await admin.stop());
  const listening = async (): Promise<unknown> =>
    await eventually(
      () => admin.asked,
      (paths) => paths.length > 0,
    );

  it('shows lines without colours in a pipe, and ends with 0 on Ctrl-C', async () => {
    const tail = startCommand(['tail', '--admin', admin.url]);
    await listening();
    admin.send('delivery', summaryOf('m-1'));
    await eventually(tail.stdout, (text) => text.endsWith('\n'));
    tail.child.kill('SIGINT');
    expect(await tail.ended).toBe(0);
    expect(tail.stderr()).toBe('');
    expect(tail.stdout()).toMatch(/^[\x20-\x7e]*Order Completed[\x20-\x7e]*\n$/);
  });

  it('ends with 0 where its reader leaves, as head does', async () => {
    const tail = startCommand(['tail', '--admin', admin.url]);
    await listening();
    tail.child.stdout?.destroy();
    await once(tail.child.stdout ?? tail.child, 'close');
    const sending = setInterval(() => admin.send('delivery', summaryOf(`m-${Math.random()}`)), 10);
    expect(await tail.ended.finally(() => clearInterval(sending))).toBe(0);
    expect(tail.stderr()).toBe('');
  });

  it.each([
    [401, /^trackbridge: [^\n]*401: told so\n$/],
    [503, /^trackbridge: [^\n]*503: told so\n$/],
  ])('ends with 1 and one line where it is refused: %i', async (status, said) => {
    admin.refusal = status;
    const { code, stdout, stderr } = await runCommand(['tail', '--admin', admin.url]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(said);
  });
});

it('ends with 1 and one line where nobody listens', async () => {
  const { code, stdout, stderr } = await runCommand(['tail', '--admin', 'http://127.0.0.1:1']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^trackbridge: no answer[^\n]*is the receiver running[^\n]*\n$/);
});
