import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { forbiddenRange } from './addresses.js';

/** An address as `dns.lookup` gives it. */
interface Address {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name; for tests, anything that behaves like DNS. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * A connection that was not made. It may pass by itself, since the DNS server can be the one at fault: no event must be
 * lost before somebody mends that.
 */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

// Long enough for any working network. The attempt itself ends with its signal; this only keeps a host that never
// completes a handshake from holding a connection of the pool.
const CONNECT_TIMEOUT = 10_000;

/**
 * Opens connections, and unless `allowPrivate` only to public addresses. The check is made on the very address that is
 * connected to: on literal addresses before connecting, since Node asks no `lookup` for those, and inside `lookup` on
 * what a name resolves to, so that no second resolution can give another answer (DNS rebinding).
 */
export function createConnector(
  allowPrivate: boolean,
  resolve: Resolve = systemResolve,
): buildConnector.connector {
  const connect = buildConnector({
    lookup: createLookup(allowPrivate, resolve),
    timeout: CONNECT_TIMEOUT,
  });
  return (options, callback) => {
    const literal = options.hostname.replace(/^\[|\]$/g, '');
    const range = allowPrivate || isIP(literal) === 0 ? undefined : forbiddenRange(literal);
    if (range !== undefined) callback(refusal(literal, range), null);
    else connect(options, callback);
  };
}

/** A `lookup` for `net.connect` that resolves once and leaves out, unless `allowPrivate`, what is not public. */
export function createLookup(allowPrivate: boolean, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    const answer = async (): Promise<readonly Address[]> => {
      const found = await resolve(hostname);
      return allowPrivate ? found : publicOnly(hostname, found);
    };
    answer().then(
      (addresses) => {
        const [first] = addresses;
        if (first === undefined) callback(new Error(`${hostname} has no address`), '');
        else if (options.all) callback(null, [...addresses]);
        else callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}

function publicOnly(hostname: string, found: readonly Address[]): readonly Address[] {
  const allowed = found.filter(({ address }) => forbiddenRange(address) === undefined);
  const [refused] = found;
  if (allowed.length === 0 && refused) {
    throw refusal(
      `${hostname} (${refused.address})`,
      forbiddenRange(refused.address) ?? 'reserved',
    );
  }
  return allowed;
}

function refusal(what: string, range: string): AddressRefused {
  return new AddressRefused(
    `${what} is not a public address (${range}); set allowPrivateAddresses: true if it is the right one`,
  );
}
