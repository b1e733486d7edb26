import { describe, expect, it } from 'vitest';
import { createLookup } from '../../../src/core/outbound/connector.js';

describe('createLookup', () => {
  const mixed = [
    { address: '10.0.0.1', family: 4 },
    { address: '8.8.8.8', family: 4 },
    { address: 'fd00::1', family: 6 },
    { address: '2606:4700::1111', family: 6 },
  ];

  /** Calls it as `net.connect` does. */
  const ask = (allowPrivate: boolean, all: boolean, found = mixed) =>
    new Promise<unknown>((resolve) => {
      const lookup = createLookup(allowPrivate, async () => found);
      lookup('a.example', { all }, (error, address) => resolve(error ?? address));
    });

  it('hands on only the public addresses of a name', async () => {
    expect(await ask(false, true)).toEqual([mixed[1], mixed[3]]);
    expect(await ask(false, false)).toBe('8.8.8.8');
  });

  it('hands on all addresses where private ones are allowed', async () => {
    expect(await ask(true, true)).toEqual(mixed);
  });

  it('fails where nothing is left, or nothing was found', async () => {
    expect(await ask(false, true, mixed.slice(0, 1))).toMatchObject({ name: 'AddressRefused' });
    expect(await ask(true, true, [])).toMatchObject({ message: 'a.example has no address' });
  });

  it('does not let a name that was public once lead inside later, nor beside a public address', async () => {
    const answers = [
      ['8.8.8.8'],
      ['127.0.0.1'],
      ['8.8.8.8', '127.0.0.1'],
      ['127.0.0.1', '8.8.8.8'],
    ];
    const lookup = createLookup(false, async () =>
      (answers.shift() ?? []).map((address) => ({ address, family: 4 })),
    );
    const next = (): Promise<unknown> =>
      new Promise((resolve) => {
        lookup('rebind.example', { all: true }, (error, found) => resolve(error ?? found));
      });
    const open = [{ address: '8.8.8.8', family: 4 }];
    expect(await next()).toEqual(open);
    expect(await next()).toMatchObject({ name: 'AddressRefused' });
    expect(await next()).toEqual(open);
    expect(await next()).toEqual(open);
  });
});
