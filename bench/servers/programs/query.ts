type Tree = { [key: string]: string | number | Tree };

/** The object that flattened parameters came from: `order.items[0].price=1.95`. Numbers become numbers. */
export function parseQuery(query: string): Tree {
  const root: Tree = Object.create(null) as Tree;
  for (const pair of query.split('&')) {
    const split = pair.indexOf('=');
    const path = decodeURIComponent(pair.slice(0, split)).replaceAll('[', '.').replaceAll(']', '');
    const text = decodeURIComponent(pair.slice(split + 1).replaceAll('+', ' '));
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = root;
    for (const key of keys) {
      const below = at[key];
      const next: Tree = typeof below === 'object' ? below : (Object.create(null) as Tree);
      at[key] = next;
      at = next;
    }
    const number = Number(text);
    at[last] = text !== '' && String(number) === text ? number : text;
  }
  return root;
}
