import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { forbiddenRange } from './addresses.js';

/** An address as `dns.lookup` returns it. */
interface Address {
  readonly address: string;
  readonly family: number;
}

/** Resolves all addresses of a host name. Tests pass a replacement for DNS. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

/**
 * A connection that was refused before it was opened. It counts as temporary, because the DNS server may be at fault
 * and no event must be lost until that is repaired.
 */
export class AddressRefused extends Error {
  override readonly name = 'AddressRefused';
}

// Milliseconds; enough for any working network. The attempt itself ends with its signal. This limit only keeps a host
// that never completes a handshake from occupying a connection of the pool.
const CONNECT_TIMEOUT = 10_000;

/**
 * Opens connections; unless `allowPrivate` is set, only to public addresses. It checks the very address it connects to.
 * A literal address is checked before connecting, because Node calls no `lookup` for it. A resolved address is checked
 * inside `lookup`, so that no second resolution can return a different one (DNS rebinding).
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

/**
 * Returns a `lookup` for `net.connect` that resolves once and, unless `allowPrivate` is set, drops addresses that are
 * not public.
 */
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
    `${what} is not a public address (${range}); set allowPrivateAddresses: true if this address is intended`,
  );
}
