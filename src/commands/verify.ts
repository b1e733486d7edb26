import { Command, Option } from 'commander';
import { explainSignature } from '../explain/explain.js';
import { sentencesOf } from '../explain/sentences.js';
import { type CommandContext, EXIT, oneLine, printJson } from './io.js';
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

The body is taken byte for byte: save it before anything parses it. Exits with 0 where the signature holds, 1 where not.
`;

/** `trackbridge verify`: over which bytes a signature holds, or why it does not and what to do. */
export function verifyCommand(context: CommandContext): Command {
  const command = new Command('verify').description(
    'say over which bytes a signature holds, or why it does not',
  );
  return addSecretOptions(command)
    .requiredOption('--signature <text>', 'what came in x-signature')
    .option('--body <file>', 'the body as it arrived; left out, standard input')
    .addOption(
      new Option('--batch <rule>', 'which bytes of a batch may be signed')
        .choices(['first-element', 'whole-body'])
        .default('first-element'),
    )
    .option(
      '--webhook-id <id>',
      'what came in webhook-id, where the sender follows Standard Webhooks',
    )
    .option('--webhook-timestamp <time>', 'what came in webhook-timestamp')
    .option('--json', 'as one JSON object')
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
      if (!explanation.holds) process.exitCode = EXIT.failure;
    });
}

async function bodyOf({ body }: VerifyOptions, context: CommandContext): Promise<Buffer> {
  if (body !== undefined && body !== '-') return readInput(body, '--body');
  const chunks: Buffer[] = [];
  for await (const chunk of context.in) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
