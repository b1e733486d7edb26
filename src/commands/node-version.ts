/** The oldest version of Node that the program runs on, as in `engines` of package.json. */
const REQUIRED = [20, 19] as const;

/**
 * Returns one line for the user if this version of Node is too old, otherwise undefined. Without it, an older version
 * fails with a SyntaxError of the first module that uses something newer.
 */
export function rejectOldNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needed, neededMinor] = REQUIRED;
  if (major > needed || (major === needed && minor >= neededMinor)) return undefined;
  return `trackbridge: needs Node ${REQUIRED.join('.')} or newer, and this is ${version}; install a newer one\n`;
}
