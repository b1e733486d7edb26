#!/usr/bin/env node
import { rejectOldNode } from './commands/node-version.js';

const { env, stderr: err, stdin, stdout: out, versions } = process;
const refusal = rejectOldNode(versions.node);
if (refusal === undefined) {
  // The one place that touches the process: commands get what they need of it. Loaded only here, because an old version
  // of Node fails while it loads them.
  const { runProgram } = await import('./commands/program.js');
  process.exitCode = await runProgram(process.argv.slice(2), { env, in: stdin, out, err });
} else {
  err.write(refusal);
  process.exitCode = 1;
}
