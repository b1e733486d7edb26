// The receiver against a bare `node:http` server that does the same work by hand, alternating in one run, each alone on
// one core, the load on the other. What counts is the ratio of the medians: single figures are the machine's mood.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Load, load, renderRequest, SECRET } from './load.js';

const CORE_OF_SERVERS = '0';
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 7);
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 4);
const CONNECTIONS = 64;
const MEMORY_EVENTS = Number(process.env['BENCH_EVENTS'] ?? 1_000_000);
const TARGETS = { ratio: 0.75, p99: 25, residentMegabytes: 150 };

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

interface Server {
  readonly port: number;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

async function start(args: readonly string[], directory: string, ready: RegExp): Promise<Server> {
  const child = spawn('taskset', ['-c', CORE_OF_SERVERS, process.execPath, ...args], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    let said = '';
    const listen = (text: Buffer): void => {
      said += text.toString();
      const found = ready.exec(said)?.[1];
      if (found !== undefined) resolve(Number(found));
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('exit', (code) => reject(new Error(`exit ${code}: ${said}`)));
  });
  return {
    port,
    child,
    async stop() {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function startReceiver(sinks: object): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-bench-'));
  const config = {
    server: { port: 0 },
    sources: {
      segment: {
        type: 'segment',
        path: '/segment',
        verify: { scheme: 'segment-signature', secrets: [SECRET] },
      },
    },
    sinks,
  };
  writeFileSync(join(directory, 'trackbridge.json'), JSON.stringify(config));
  const args = [here('../dist/cli.js'), 'serve', '--config', 'trackbridge.json'];
  return start(args, directory, /"port":(\d+)[^\n]*"msg":"listening"/);
}

function startBare(): Promise<Server> {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-bench-'));
  const args = ['--import', 'tsx', here('bare-server.ts'), join(directory, 'bare.db')];
  return start(args, here('..'), /listening (\d+)/).then((server) => ({
    ...server,
    async stop() {
      const exit = once(server.child, 'exit');
      server.child.kill('SIGTERM');
      await exit;
      rmSync(directory, { recursive: true, force: true });
    },
  }));
}

/** Requests nobody has seen yet; rendered in blocks while no server is measured. */
function requests(count: number, tag: string): () => Buffer | undefined {
  const rendered = Array.from({ length: count }, (_, index) => renderRequest(`${tag}-${index}`));
  let index = 0;
  return () => rendered[index++];
}

async function measure(
  startServer: () => Promise<Server>,
  options: { readonly tag: string; readonly perSecond?: number },
): Promise<Load & { readonly cpuPerRequest: number }> {
  const server = await startServer();
  try {
    const next = requests(SECONDS * 25_000 + 40_000, options.tag);
    await load({ port: server.port, connections: CONNECTIONS, seconds: 1.5, next });
    const limit = options.perSecond === undefined ? {} : { perSecond: options.perSecond };
    const before = cpuMicroseconds(server.child.pid ?? 0);
    const result = await load({
      port: server.port,
      connections: CONNECTIONS,
      seconds: SECONDS,
      next,
      ...limit,
    });
    if (result.refused > 0) throw new Error(`${result.refused} requests were not answered 200`);
    const cpu = cpuMicroseconds(server.child.pid ?? 0) - before;
    return { ...result, cpuPerRequest: cpu / (result.requestsPerSecond * result.seconds) };
  } finally {
    await server.stop();
  }
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** User and system time of all threads; Linux counts in ticks of a hundredth of a second. */
function cpuMicroseconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

function residentMegabytes(pid: number): number {
  const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}

function verdict(met: boolean): string {
  return met ? 'met' : 'MISSED';
}

say(
  `${ROUNDS} rounds of ${SECONDS} s, ${CONNECTIONS} connections, 1.2 kB signed events, servers on core ${CORE_OF_SERVERS}`,
);
say('round   receiver req/s  CPU µs   bare req/s  CPU µs   ratio');
const ours: number[] = [];
const theirs: number[] = [];
for (let round = 1; round <= ROUNDS; round++) {
  const a = await measure(() => startReceiver({}), { tag: `r${round}` });
  const b = await measure(startBare, { tag: `b${round}` });
  ours.push(a.requestsPerSecond);
  theirs.push(b.requestsPerSecond);
  const cells = [a.requestsPerSecond, a.cpuPerRequest, b.requestsPerSecond, b.cpuPerRequest];
  const [rps, cpu, bareRps, bareCpu] = cells.map((cell) => cell.toFixed(0));
  say(
    `${String(round).padEnd(7)} ${rps?.padStart(14)} ${cpu?.padStart(7)} ${bareRps?.padStart(12)} ${bareCpu?.padStart(7)}` +
      `   ${(a.requestsPerSecond / b.requestsPerSecond).toFixed(2)}`,
  );
}
const ratio = median(ours) / median(theirs);
say(
  `ratio of medians ${ratio.toFixed(2)}, target at least ${TARGETS.ratio}: ${verdict(ratio >= TARGETS.ratio)}`,
);

const half = await measure(() => startReceiver({}), { tag: 'half', perSecond: median(ours) / 2 });
say(
  `at half load (${half.requestsPerSecond.toFixed(0)} req/s): p50 ${half.p50.toFixed(1)} ms, p99 ${half.p99.toFixed(1)} ms, ` +
    `target under ${TARGETS.p99} ms: ${verdict(half.p99 < TARGETS.p99)}`,
);

const server = await startReceiver({ archive: { type: 'file', path: './events.ndjson' } });
const block = 50_000;
for (let sent = 0; sent < MEMORY_EVENTS; sent += block) {
  const next = requests(block, `m${sent}`);
  await load({ port: server.port, connections: CONNECTIONS, seconds: 600, next });
}
const resident = residentMegabytes(server.child.pid ?? 0);
say(
  `resident after ${MEMORY_EVENTS} events through a file sink: ${resident.toFixed(0)} MB, ` +
    `target under ${TARGETS.residentMegabytes} MB: ${verdict(resident < TARGETS.residentMegabytes)}`,
);
await server.stop();
