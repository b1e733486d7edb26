/** A webhook source as it is set up in its vendor's dashboard. */
export interface VendorSettings {
  /** The source's name. */
  readonly name: string;
  readonly vendor: 'segment' | 'rudderstack';
  /** Where it listens. */
  readonly url: string;
  /** RudderStack: the header in which the secret is sent. */
  readonly header: string;
  /** The secret itself, or where it comes from. */
  readonly secret: string;
}

/** What to paste into the vendor's dashboard, as lines for people. */
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

/** The origin of a listener: where this machine reaches it, also where it listens on every interface. */
export function originOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}
