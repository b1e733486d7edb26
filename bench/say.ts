/** Prints one line of progress or of a report. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
