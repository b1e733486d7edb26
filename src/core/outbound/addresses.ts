import ipaddr from 'ipaddr.js';

// IPv6-only networks reach public IPv4 hosts through the well-known NAT64 prefix, so such an address is checked by the
// IPv4 address inside it. The same goes for the IPv4-mapped form.
const EMBEDS_IPV4 = new Set(['ipv4Mapped', 'rfc6052']);
const NAT64_PREFIX = ipaddr.IPv6.parse('64:ff9b::');
const GLOBAL_UNICAST = ipaddr.IPv6.parse('2000::');
// Azure's host agent, which hands out a machine's credentials, has a public address.
const PLATFORM_AGENTS = new Set(['168.63.129.16']);

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
  // No address outside 2000::/3 is public, but ipaddr.js counts `::127.0.0.1`, for example, as unicast.
  return parsed.match(GLOBAL_UNICAST, 3) ? undefined : 'reserved';
}

function forbiddenIPv4(address: ipaddr.IPv4): string | undefined {
  if (PLATFORM_AGENTS.has(address.toString())) return 'platform agent';
  const range = address.range();
  return range === 'unicast' ? undefined : range;
}
