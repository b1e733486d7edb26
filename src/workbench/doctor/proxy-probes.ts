import type { Probe, Vendor } from './probe.js';

/** What the two vendors have in common when they send something large. */
export interface Making {
  readonly vendor: Vendor;
  /** Milliseconds after which the vendor closes the connection. */
  readonly hangsUp: number;
  /** Returns a signed POST of one event, filled up with this many bytes. */
  post(name: string, filler: number): Probe['outgoing'];
}

const MEGABYTE = 1_000_000;

/** Returns bodies that proxies reject with their default settings. */
export function largeBodies({ hangsUp, post, vendor }: Making): Probe[] {
  const hint =
    'Raise the body limit to 8 MB in the receiver and in every proxy, such as `client_max_body_size` of nginx.';
  const base = { hangsUp, after: 'single', limit: 'body', hint } as const;
  return [
    {
      ...base,
      kind: 'real',
      id: 'body-1mb',
      title: 'a body of 1.3 MB',
      outgoing: post('body-1mb', 1.3 * MEGABYTE),
    },
    {
      ...base,
      kind: 'optional',
      settings:
        vendor === 'segment'
          ? 'batches are large (Webhook Actions)'
          : 'batching is on, with large batches',
      id: 'body-7mb',
      title: 'a body of 7 MB',
      outgoing: post('body-7mb', 7 * MEGABYTE),
    },
  ];
}

/** Returns heads that proxies reject or change with their default settings. `outgoing` is a small event. */
export function largeHeads(
  hangsUp: number,
  outgoing: (name: string) => Probe['outgoing'],
): Probe[] {
  const base = { kind: 'optional', hangsUp, after: 'single' } as const;
  const headers = Array.from({ length: 15 }, (_, at) => [
    `X-Trackbridge-Doctor-${at}`,
    'h'.repeat(4_000),
  ]);
  const with60 = outgoing('headers');
  const underscored = outgoing('underscores');
  return [
    {
      ...base,
      id: 'headers',
      settings: 'large events go through the transformation of Trackbridge',
      title: 'an event with 60 kB of headers',
      outgoing: { ...with60, headers: [...with60.headers, ...headers.flat()] },
      limit: 'headers',
      hint: 'Raise the limit for headers in the receiver and in every proxy.',
    },
    {
      ...base,
      id: 'underscores',
      settings: 'the destination has a header with underscores',
      title: 'an event with a header whose name has underscores',
      outgoing: { ...underscored, headers: [...underscored.headers, 'x_trackbridge_doctor', '1'] },
      limit: 'underscores',
      hint: 'Accept such headers, or choose a name with hyphens.',
    },
  ];
}
