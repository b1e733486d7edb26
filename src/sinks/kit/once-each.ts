/**
 * Calls `say` once for each text, for the first `most` different ones, and then `full` once. Senders choose the texts
 * and could otherwise fill the memory and the log.
 */
export function onceEach(
  most: number,
  say: (text: string) => void,
  full: () => void,
): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (said.size >= most || said.has(text)) return;
    said.add(text);
    say(text);
    if (said.size === most) full();
  };
}
