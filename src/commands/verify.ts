import { Command, Option } from 'commander';
import { type Explanation, explainSignature } from '../explain/explain.js';
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
        for (const line of linesOf(explanation, secrets.length, options.batch))
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

/** What is printed for people; the first line says the result. */
function linesOf(
  explanation: Explanation,
  secrets: number,
  batch: VerifyOptions['batch'],
): string[] {
  if (explanation.holds) {
    const { over, covers } = explanation;
    const which = secrets > 1 ? ` under secret ${explanation.secret} of ${secrets}` : '';
    const where = over.part === 'body' ? 'the whole body' : PARTS[over.part];
    return [
      `The signature holds${which} over ${where}: bytes ${over.from} to ${over.to}.`,
      covers === 'all'
        ? 'It covers every event of the delivery.'
        : 'It covers the first event alone; those after it are marked receipt.authenticated: false unless a second scheme holds.',
    ];
  }
  const { causes, remarks, tried } = explanation;
  if (causes.length === 0) {
    return [
      'The signature does not hold, and nothing that usually goes wrong explains it: most likely the secret is another one, or the body was changed.',
      ...remarks,
      `Tried ${tried} combinations of: ${TRIED}.`,
      'Compare the secret with the one in the vendor’s settings, and save the body before anything has parsed it.',
    ];
  }
  const which =
    explanation.secret === undefined || secrets < 2 ? '' : ` under secret ${explanation.secret}`;
  return [
    'The signature does not hold.',
    `It would hold${which} if ${causes.map(({ what }) => what).join(', and ')}.`,
    ...new Set(causes.map(({ fix }) => fix)),
    ...(batch === 'whole-body' && causes[0]?.id === 'first-element'
      ? ['Here --batch whole-body asked for more.']
      : []),
  ];
}

const PARTS = {
  'first-element': 'the first element of the array',
  'first-element-json': 'the json member of the array’s first element',
} as const;

const TRIED =
  'each secret with and without white space, quotes, hex, base64 and other spellings, or none; sha1, sha256, sha512, md5; hex, base64, prefixes, a cut value; HMAC and plain hashes; the body, its elements and members, with other line ends, byte order mark, charset, compression, base64, form coding; its JSON as JavaScript, Python, Go, PHP, .NET and others write it, and in other key orders';
