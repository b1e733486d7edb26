import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forbiddenRange } from '../../../src/core/outbound/addresses.js';

describe('forbiddenRange', () => {
  it.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '168.63.129.16',
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:127.0.0.1',
    '::ffff:10.1.2.3',
    '::ffff:a9fe:a9fe',
    '::ffff:0:127.0.0.1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::8.8.8.8',
    '2002:7f00:1::',
    '2002:a00:1::1',
    '2001:0:53aa:64c::1',
    '2001:db8::1',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '100::1',
    '4000::1',
    '5f00::1',
    'localhost',
    '',
  ])('refuses %j', (address) => {
    expect(forbiddenRange(address)).toEqual(expect.any(String));
  });

  it.each([
    '8.8.8.8',
    '93.184.215.14',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '100.128.0.1',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2606:4700::1111',
    '2a00:1450:4001::200e',
  ])('lets %s pass', (address) => {
    expect(forbiddenRange(address)).toBeUndefined();
  });

  it('judges an IPv4 address the same in every form that holds one', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const plain = forbiddenRange(address);
        expect(forbiddenRange(`::ffff:${address}`)).toBe(plain);
        expect(forbiddenRange(`64:ff9b::${address}`)).toBe(plain);
      }),
    );
  });
});
