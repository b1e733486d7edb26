/** Returns a text as a URL; undefined if it is not one, has no host, or has none of these schemes. */
export function parseUrl(text: string, schemes: readonly string[]): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const fits =
    url !== undefined && url.hostname !== '' && schemes.includes(url.protocol.slice(0, -1));
  return fits ? url : undefined;
}

export const HTTP = ['http', 'https'] as const;
