import { join } from 'node:path';
import { eventually, type Receiver, readEvents, startReceiver } from '../support/receiver.js';
import type { Ledger } from './ledger.js';
import type { RecordingSink } from './recording-sink.js';

/** The secret of both sources. */
export const SECRET = 'a-secret-of-the-fault-matrix';

export interface ProgramOptions {
  /** Sections of the configuration; without `sources` there are one of each vendor, under SECRET. */
  readonly config: {
    readonly server?: object;
    readonly outbox?: object;
    readonly sources?: object;
    readonly sinks: object;
  };
  readonly env?: Readonly<Record<string, string>>;
  /** Arguments of `serve`. */
  readonly args?: readonly string[];
  /** The working directory, and where its data is; the row's unless said. */
  readonly directory?: string;
}

export interface ProgramStats {
  readonly accepted: number;
  readonly duplicates: number;
  readonly pending: number;
  readonly sinks: readonly {
    readonly name: string;
    readonly pending: number;
    readonly deadLetters: number;
  }[];
}

/** The built program, and what its admin listener says. */
export interface Program extends Receiver {
  stats(): Promise<ProgramStats>;
  /** The messageIds of a sink's first 1,000 dead letters, oldest first. */
  deadLetters(sink: string): Promise<readonly string[]>;
}

/** Starts the built program with an open admin listener, in `directory`. */
export async function startProgram(
  directory: string,
  { args, config, env }: ProgramOptions,
): Promise<Program> {
  const shared = { scheme: 'shared-secret', secrets: [SECRET] };
  const receiver = await startReceiver({
    directory,
    config: {
      admin: { port: 0 },
      sources: {
        segment: {
          type: 'segment',
          path: '/segment',
          verify: { scheme: 'segment-signature', secrets: [SECRET] },
        },
        rudderstack: { type: 'rudderstack', path: '/rudderstack', verify: shared },
      },
      ...config,
      server: { port: 0, ...config.server },
    },
    ...(env === undefined ? {} : { env }),
    ...(args === undefined ? {} : { args }),
  });
  return {
    ...receiver,
    async stats() {
      const response = await fetch(`${receiver.adminUrl}/api/stats`);
      return (await response.json()) as ProgramStats;
    },
    async deadLetters(sink) {
      const response = await fetch(`${receiver.adminUrl}/api/dead-letters?name=${sink}&limit=1000`);
      const entries = (await response.json()) as readonly { readonly messageId: string }[];
      return entries.map(({ messageId }) => messageId);
    },
  };
}

/** Resolves when no sink has anything left to do; rejects after `within` milliseconds. */
export async function settled(program: Program, within = 30_000): Promise<ProgramStats> {
  return await eventually(
    () => program.stats(),
    ({ sinks }) => sinks.every(({ pending }) => pending === 0),
    within,
  );
}

/** Enters what a `file` sink wrote. Throws where a line is no whole event. */
export async function enterFile(
  ledger: Ledger,
  sink: string,
  directory: string,
  file: string,
): Promise<void> {
  for (const event of await readEvents(join(directory, file))) {
    ledger.arrived(sink, String(event['messageId']));
  }
}

/** Enters what a recording sink has taken. */
export function enterRecorded(ledger: Ledger, sink: string, recorded: RecordingSink): void {
  for (const { messageId } of recorded.taken) ledger.arrived(sink, messageId);
}
