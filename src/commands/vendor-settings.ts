import type { ServerConfig } from '../config/config.js';

/** The settings of a webhook source for its vendor's dashboard. */
export interface VendorSettings {
  /** The source's name. */
  readonly name: string;
  readonly vendor: 'segment' | 'rudderstack';
  /** The URL it receives at. */
  readonly url: string;
  /** RudderStack: the header that carries the secret. */
  readonly header: string;
  /** The secret itself, or where it comes from. */
  readonly secret: string;
}

/** Returns what to paste into the vendor's dashboard, as lines for people. */
export function settingsLines({ header, name, secret, url, vendor }: VendorSettings): string[] {
  return vendor === 'segment'
    ? [
        `  ${name}: in Segment, add the destination "Webhooks" (or "Webhook (Actions)") and set`,
        `    Webhook URL     ${url}   (as reached from outside)`,
        `    Shared Secret   ${secret}`,
      ]
    : [
        `  ${name}: in RudderStack, add a "Webhook" destination and set`,
        `    Webhook URL     ${url}   (as reached from outside)`,
        `    Headers         ${header}: ${secret}`,
      ];
}

type Listener = Pick<ServerConfig, 'host' | 'port' | 'socket' | 'tls'>;

/** Returns the origin of a listener: where this machine reaches it, even if it listens on every interface; `unix:` and the path of a socket. */
export function originOf({ host, port, socket, tls }: Listener): string {
  if (socket !== undefined) return `unix:${socket}`;
  const scheme = tls === undefined ? 'http' : 'https';
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
