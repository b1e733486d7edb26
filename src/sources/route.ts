/** Matches this path alone, with or without a slash behind it. */
export function exactly(path: string): RegExp {
  return new RegExp(`^${escaped(path)}/?$`);
}

/** Matches this path and everything below it. */
export function withBelow(path: string): RegExp {
  return below(path, '(?:/.*)?');
}

/** Matches `path` followed by `pattern`, the source of a regular expression that begins with a slash. */
export function below(path: string, pattern: string): RegExp {
  return new RegExp(`^${path === '/' ? '' : escaped(path)}${pattern}$`);
}

/** A configured path is text and no pattern language. */
function escaped(path: string): string {
  return path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
