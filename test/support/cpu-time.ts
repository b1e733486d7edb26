/**
 * Returns the CPU time that this process spends while `work` runs, in milliseconds. Unlike the time on the wall, it says
 * how much was done, however busy the machine is.
 */
export function cpuTimeOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { system, user } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
