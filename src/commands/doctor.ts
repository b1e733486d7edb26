import { randomBytes } from 'node:crypto';
import { Command, Option } from 'commander';
import { systemClock } from '../core/clock.js';
import { TrackbridgeError } from '../core/errors.js';
import { oneLine } from '../core/printable.js';
import { HTTP, parseUrl } from '../core/url.js';
import { MESSAGE_ID_PREFIX } from '../workbench/doctor/events.js';
import { examine, type Finding } from '../workbench/doctor/examine.js';
import type { Vendor } from '../workbench/doctor/probe.js';
import { rudderstackProbes } from '../workbench/doctor/rudderstack-probes.js';
import { segmentProbes } from '../workbench/doctor/segment-probes.js';
import { type CommandContext, printJson } from './io.js';
import { addSecretOptions, type SecretOptions, secretsOf } from './secret-options.js';

interface DoctorOptions extends SecretOptions {
  readonly url: string;
  readonly as: Vendor;
  readonly header: string;
  readonly json?: true;
}

const EXAMPLES = `
Example:
  trackbridge doctor --url http://127.0.0.1:8080/rudderstack --as rudderstack --secret-file secret
  TRACKBRIDGE_SECRET=correct-horse-battery trackbridge doctor --url https://events.example.com/segment

The receiver treats the test events as real. Their messageIds begin with ${MESSAGE_ID_PREFIX}
Exits with 1 if real deliveries would be lost or forged ones are accepted.
`;

/** `trackbridge doctor`: reports which of the vendor's deliveries any given receiver would lose, and why. */
export function doctorCommand(context: CommandContext): Command {
  const command = new Command('doctor')
    .description('send test deliveries to any receiver and report which real ones it would lose')
    .requiredOption('--url <url>', 'webhook URL, as entered at the vendor');
  return addSecretOptions(command)
    .addOption(
      new Option('--as <vendor>', 'vendor to imitate')
        .choices(['segment', 'rudderstack'])
        .default('segment'),
    )
    .option(
      '--header <name>',
      'with --as rudderstack, the header that carries the secret',
      'x-signature',
    )
    .option('--json', 'print one JSON array')
    .addHelpText('after', EXAMPLES)
    .action((options: DoctorOptions) => doctor(options, context));
}

async function doctor(options: DoctorOptions, context: CommandContext): Promise<void> {
  const url = urlOf(options.url);
  const run = randomBytes(4).toString('hex');
  const input = {
    secret: secretsOf(options, context)[0] ?? '',
    header: headerOf(options.header),
    run,
    timestamp: new Date(systemClock.now()).toISOString(),
  };
  const probes = options.as === 'segment' ? segmentProbes(input) : rudderstackProbes(input);
  context.err.write(
    `trackbridge: sending ${probes.length} test deliveries to ${url.origin}${url.pathname}; messageIds begin with ${MESSAGE_ID_PREFIX}${run}\n`,
  );
  const findings: Finding[] = [];
  for await (const finding of examine(url, probes, options.as, systemClock)) {
    findings.push(finding);
    if (!options.json) printFinding(finding, context);
  }
  if (options.json) printJson(findings, context);
  else context.out.write(`\n${summaryOf(findings)}\n`);
  if (count(findings, 'lost') + count(findings, 'unsafe') > 0) context.fail();
}

function urlOf(text: string): URL {
  const url = parseUrl(text, HTTP);
  if (url !== undefined) return url;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    '--url must be an http:// or https:// URL, as entered at the vendor',
  );
}

function headerOf(name: string): string {
  if (/^[\w!#$%&'*+.^`|~-]{1,200}$/.test(name)) return name;
  throw new TrackbridgeError(
    'CONFIG_INVALID',
    '--header must be the name of a header, such as x-signature',
  );
}

function printFinding({ grade, title, answer, took, why }: Finding, context: CommandContext): void {
  const said = answer === '' ? '' : `: ${answer} after ${took} ms`;
  context.out.write(`${oneLine(`${grade.padEnd(8)} ${title}${said}`)}\n`);
  if (why !== '') context.out.write(`         ${oneLine(why)}\n`);
}

function summaryOf(findings: readonly Finding[]): string {
  const lost = count(findings, 'lost');
  const unsafe = count(findings, 'unsafe');
  const warnings = count(findings, 'warning');
  const rest = warnings === 0 ? '' : ` Warnings: ${warnings}.`;
  if (lost + unsafe === 0)
    return `No real delivery would be lost, and no forged one is accepted.${rest}`;
  return `Real deliveries that would be lost: ${lost}. Forged ones that are accepted: ${unsafe}.${rest}`;
}

function count(findings: readonly Finding[], grade: Finding['grade']): number {
  return findings.filter((finding) => finding.grade === grade).length;
}
