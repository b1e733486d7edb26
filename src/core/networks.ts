import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A range of addresses of one IP version. */
export interface Network {
  readonly base: ipaddr.IPv4 | ipaddr.IPv6;
  readonly bits: number;
}

/** Reads `10.0.0.0/8`, `fd00::/8` or a single address; undefined for any other text. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits, more] = text.split('/');
  if (isIP(address) === 0 || address.includes('%') || more !== undefined) return undefined;
  const base = ipaddr.process(address);
  const width = base instanceof ipaddr.IPv4 ? 32 : 128;
  if (bits === undefined) return { base, bits: width };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > width) return undefined;
  return { base, bits: Number(bits) };
}

/** Whether an address, in the form that `plainAddress` returns, is in the network. */
export function isWithin(address: string, { base, bits }: Network): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  return parsed.kind() === base.kind() && parsed.match(base, bits);
}

/**
 * Reads an address as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`, each
 * possibly in quotes. Returns it without port, brackets, quotes and zone. An IPv4-mapped IPv6 address becomes the IPv4
 * address. Returns undefined if the text is not an address.
 */
export function plainAddress(text: string): string | undefined {
  // The address of nearly every connection, without the four searches below.
  if (isIP(text) === 4) return text;
  const bare = text.trim().replace(/^"([^"]*)"$/, '$1');
  const [, inBrackets] = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(bare) ?? [];
  const [, beforePort] = /^([0-9.]+):\d{1,5}$/.exec(bare) ?? [];
  const address = (inBrackets ?? beforePort ?? bare).replace(/%.*$/, '');
  const version = isIP(address);
  if (version === 0 || (inBrackets !== undefined && version !== 6)) return undefined;
  return version === 4 ? address : ipaddr.process(address).toString();
}
