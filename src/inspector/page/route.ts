/** The parts of the page, in the order of its navigation. */
export type Place = 'deliveries' | 'quarantine' | 'dead-letters' | 'overview';

/** Where the page is: a part of it and, where one entry is opened, that entry's id. */
export interface Route {
  readonly place: Place;
  readonly id?: string;
}

export const PLACES: readonly { readonly place: Place; readonly title: string }[] = [
  { place: 'deliveries', title: 'Deliveries' },
  { place: 'quarantine', title: 'Quarantine' },
  { place: 'dead-letters', title: 'Dead letters' },
  { place: 'overview', title: 'Overview' },
];

/** Reads the part of the address from `#` on; what it does not know is the list of deliveries. */
export function routeOf(hash: string): Route {
  const [name, id] = hash.replace(/^#\/?/, '').split('/');
  const known = PLACES.find(({ place }) => place === name);
  if (known === undefined) return { place: 'deliveries' };
  if (id === undefined || id === '' || known.place === 'overview') return { place: known.place };
  return { place: known.place, id: decoded(id) };
}

/** The address of a part of the page or of an entry in it, from `#` on. */
export function hashOf({ place, id }: Route): string {
  return id === undefined ? `#/${place}` : `#/${place}/${encodeURIComponent(id)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The token of `#token=…`, with which a command may open the page; undefined where the address has none. */
export function tokenIn(hash: string): string | undefined {
  const token = /^#token=(.+)$/.exec(hash)?.[1];
  return token === undefined ? undefined : decoded(token);
}
