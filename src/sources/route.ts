/** Matches exactly this path, with or without trailing slashes. */
export function exactly(path: string): RegExp {
  return new RegExp(`^${escaped(path)}/*$`);
}

/** Matches this path and every subpath. */
export function withSubpaths(path: string): RegExp {
  return subpath(path, '(?:/.*)?');
}

/** Matches `path` followed by `pattern`, the source of a regular expression that begins with a slash. */
export function subpath(path: string, pattern: string): RegExp {
  return new RegExp(`^${path === '/' ? '' : escaped(path)}${pattern}$`);
}

/** Escapes a configured path, which is literal text. */
function escaped(path: string): string {
  return path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
