import { Command, Option } from 'commander';
import { oneLine } from '../core/printable.js';
import { explainSignature } from '../workbench/explain/explain.js';
import { sentencesOf } from '../workbench/explain/sentences.js';
import { type CommandContext, printJson } from './io.js';
import { addSecretOptions, readInput, type SecretOptions, secretsOf } from './secret-options.js';

interface VerifyOptions extends SecretOptions {
  readonly signature: string;
  readonly body?: string;
  readonly batch: 'first-element' | 'whole-body';
  readonly webhookId?: string;
  readonly webhookTimestamp?: string;
  readonly json?: true;
}

const EXAMPLES = `
Example:
  trackbridge verify --secret correct-horse-battery --signature 568c5f6f... --body delivery.json
  curl ... | TRACKBRIDGE_SECRET=correct-horse-battery trackbridge verify --signature 568c5f6f...

Save the body before anything parses it. Exits with 0 if the signature is valid, and with 1 if not.
`;

/** `trackbridge verify`: shows which bytes a signature covers, or why it is invalid and what to do. */
export function verifyCommand(context: CommandContext): Command {
  const command = new Command('verify').description(
    'check a signature and say which bytes it covers, or why it is invalid',
  );
  return addSecretOptions(command)
    .requiredOption('--signature <text>', 'value of the x-signature header')
    .option('--body <file>', 'body as it arrived, byte for byte; default: standard input')
    .addOption(
      new Option('--batch <rule>', 'bytes of a batch that may be signed')
        .choices(['first-element', 'whole-body'])
        .default('first-element'),
    )
    .option('--webhook-id <id>', 'value of the webhook-id header, for Standard Webhooks')
    .option(
      '--webhook-timestamp <time>',
      'value of the webhook-timestamp header, for Standard Webhooks',
    )
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (options: VerifyOptions) => {
      const secrets = secretsOf(options, context);
      const explanation = explainSignature({
        secrets,
        signature: options.signature,
        body: await bodyOf(options, context),
        batch: options.batch,
        ids: {
          ...(options.webhookId === undefined ? {} : { id: options.webhookId }),
          ...(options.webhookTimestamp === undefined
            ? {}
            : { timestamp: options.webhookTimestamp }),
        },
      });
      if (options.json) printJson(explanation, context);
      else
        for (const line of sentencesOf(explanation, secrets.length, options.batch))
          context.out.write(`${oneLine(line)}\n`);
      if (!explanation.valid) context.fail();
    });
}

async function bodyOf({ body }: VerifyOptions, context: CommandContext): Promise<Buffer> {
  if (body !== undefined && body !== '-') return readInput(body, '--body');
  const chunks: Buffer[] = [];
  for await (const chunk of context.in) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
