import type { Explanation, ToExplain } from './explain.js';

/** An explanation for people, a sentence or two each; the first says the result. `secrets`: how many there are. */
export function sentencesOf(
  explanation: Explanation,
  secrets: number,
  batch: ToExplain['batch'],
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
      ? ['Here batch: whole-body asks for more.']
      : []),
  ];
}

const PARTS = {
  'first-element': 'the first element of the array',
  'first-element-json': 'the json member of the array’s first element',
} as const;

const TRIED =
  'each secret with and without white space, quotes, hex, base64 and other spellings, or none; sha1, sha256, sha512, md5; hex, base64, prefixes, a cut value; HMAC and plain hashes; the body, its elements and members, with other line ends, byte order mark, charset, compression, base64, form coding; its JSON as JavaScript, Python, Go, PHP, .NET and others write it, and in other key orders';
