import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { buildConnector } from 'undici';
import { SinkError } from './sink.js';

/** An address as `dns.lookup` gives it. */
interface Address {
  readonly address: string;
  readonly family: number;
}

/** All addresses of a host name; for tests, anything that behaves like DNS. */
export type Resolve = (hostname: string) => Promise<readonly Address[]>;

const systemResolve: Resolve = (hostname) => lookup(hostname, { all: true });

// The well-known NAT64 prefix: the way to public IPv4 hosts from networks that have only IPv6, so it is judged by the
// IPv4 address inside, as is the IPv4-mapped form.
const EMBEDS_IPV4 = new Set(['ipv4Mapped', 'rfc6052']);
const NAT64_PREFIX = ipaddr.IPv6.parse('64:ff9b::');
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
// Azure's own host agent, which hands out a machine's credentials, has a public address.
const PLATFORM_AGENTS = new Set(['168.63.129.16']);
// Long enough for any working network. The attempt itself ends with its signal; this only keeps a host that never
// completes a handshake from holding a connection of the pool.
const CONNECT_TIMEOUT = 10_000;

/** Why a connection to an address is refused, as a word such as `loopback`; undefined for public addresses. */
export function forbiddenRange(address: string): string | undefined {
  if (!ipaddr.isValid(address)) return 'unreadable';
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return forbiddenIPv4(parsed);

  const range = parsed.range();
  if (EMBEDS_IPV4.has(range)) {
    if (range === 'rfc6052' && !parsed.match(NAT64_PREFIX, 96)) return 'private';
    return forbiddenIPv4(new ipaddr.IPv4(parsed.toByteArray().slice(12)));
  }
  if (range !== 'unicast') return range;
  // Outside of 2000::/3 nothing is public; `::127.0.0.1` for one counts as unicast.
  return parsed.match(GLOBAL_UNICAST, 3) ? undefined : 'reserved';
}

function forbiddenIPv4(address: ipaddr.IPv4): string | undefined {
  if (PLATFORM_AGENTS.has(address.toString())) return 'platform agent';
  const range = address.range();
  return range === 'unicast' ? undefined : range;
}

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

/** Retryable: it is the configuration's fault, or the DNS server's. No event must be lost before somebody mends that. */
function refusal(what: string, range: string): SinkError {
  return new SinkError(
    `${what} is not a public address (${range}); set allowPrivateAddresses: true if it is the right one`,
    { retryable: true },
  );
}
