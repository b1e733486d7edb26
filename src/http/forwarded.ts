import type { Socket } from 'node:net';
import type { Request } from 'koa';
import { isWithin, parseNetwork, plainAddress } from '../core/networks.js';

/**
 * The trusted proxies: none, the nearest, the nearest N, or those in the given networks. Each proxy appends to the
 * right of what its client sent, so lists are read from the right.
 */
export type TrustProxy = boolean | number | readonly string[];

export interface Forwarded {
  /** The sender's address, without its port; '' if unknown. */
  addressOf(request: Request): string;
  /** The origin of the URL that the sender used, as in `https://example.com`. */
  originOf(request: Request): string;
}

/** The number of characters read of `X-Forwarded-For`. No chain of proxies writes more, but an attacker could. */
const LONGEST = 4_096;

const HOST = /^[A-Za-z0-9._-]+(?::\d{1,5})?$|^\[[0-9A-Fa-f:.]+\](?::\d{1,5})?$/;

/** Reads the sender's address and the requested origin from the headers of trusted proxies. */
export function createForwarded(trust: TrustProxy): Forwarded {
  // In a host application, Koa's own settings decide which proxies are trusted.
  if (trust === false || trust === 0) {
    return {
      addressOf: (request) => plainAddress(request.ip) ?? '',
      originOf: (request) => `${request.protocol}://${request.host}`,
    };
  }
  const isTrusted = trustOf(trust);
  return {
    addressOf({ req }) {
      const peer = peerOf(req.socket);
      const forwarded = req.headers['x-forwarded-for'];
      if (!isTrusted(peer, 0) || forwarded === undefined) return peer;
      // If a trusted proxy names no valid address, the sender is unknown; the proxy's address is not the sender's.
      let address = '';
      let hops = 1;
      for (const entry of fromTheRight(forwarded)) {
        address = entry;
        if (!isTrusted(entry, hops)) break;
        hops++;
      }
      return address;
    },
    originOf({ req }) {
      const { headers, socket } = req;
      const believed = isTrusted(peerOf(socket), 0);
      const protocol = believed ? last(headers['x-forwarded-proto']).toLowerCase() : '';
      const host = believed ? last(headers['x-forwarded-host']) : '';
      const own = 'encrypted' in socket ? 'https' : 'http';
      return `${/^https?$/.test(protocol) ? protocol : own}://${HOST.test(host) ? host : (headers.host ?? '')}`;
    },
  };
}

/** Returns a test for whether the address, `hops` away, is a trusted proxy. */
function trustOf(trust: TrustProxy): (address: string, hops: number) => boolean {
  if (typeof trust !== 'object') {
    const most = Number(trust);
    return (_address, hops) => hops < most;
  }
  const networks = trust.flatMap((text) => parseNetwork(text) ?? []);
  // A connection without an address is a Unix socket, whose file permissions decide who may connect.
  return (address) => address === '' || networks.some((network) => isWithin(address, network));
}

function peerOf({ remoteAddress }: Socket): string {
  return plainAddress(remoteAddress ?? '') ?? '';
}

/** The valid addresses of a list, the last one first. */
function* fromTheRight(list: string | readonly string[]): Generator<string> {
  const text = String(list).slice(-LONGEST);
  for (const entry of text.split(',').reverse()) {
    const address = plainAddress(entry);
    if (address !== undefined) yield address;
  }
}

function last(list: string | readonly string[] | undefined): string {
  return (
    String(list ?? '')
      .slice(-LONGEST)
      .split(',')
      .at(-1)
      ?.trim() ?? ''
  );
}
