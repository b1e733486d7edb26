import type { Explanation, ToExplain } from './explain.js';

/** Returns an explanation for people in a few sentences; the first states the result. `secrets`: how many there are. */
export function sentencesOf(
  explanation: Explanation,
  secrets: number,
  batch: ToExplain['batch'],
): string[] {
  if (explanation.valid) {
    const { over, covers } = explanation;
    const which = secrets > 1 ? ` under secret ${explanation.secret} of ${secrets}` : '';
    const where = over.part === 'body' ? 'the whole body' : PARTS[over.part];
    return [
      `The signature is valid${which}. It covers ${where}: bytes ${over.from} to ${over.to}.`,
      covers === 'all'
        ? 'Every event of the delivery is authenticated.'
        : 'Only the first event is authenticated. Later ones are marked receipt.authenticated: false unless a second scheme passes.',
    ];
  }
  const { causes, remarks, tried } = explanation;
  if (causes.length === 0) {
    return [
      'The signature is invalid, and none of the usual causes explains it: the secret is probably wrong, or the body was changed.',
      ...remarks,
      `Tried ${tried} combinations of: ${TRIED}.`,
      'Compare the secret with the one in the vendor’s settings, and save the body before anything parses it.',
    ];
  }
  const which =
    explanation.secret === undefined || secrets < 2 ? '' : ` under secret ${explanation.secret}`;
  return [
    'The signature is invalid.',
    `It becomes valid${which} if ${causes.map(({ what }) => what).join(', and ')}.`,
    ...new Set(causes.map(({ fix }) => fix)),
    ...(batch === 'whole-body' && causes[0]?.id === 'first-element'
      ? ['This source requires more: batch: whole-body.']
      : []),
  ];
}

const PARTS = {
  'first-element': 'the first element of the array',
  'first-element-json': 'the json member of the array’s first element',
} as const;

const TRIED =
  'each secret with and without whitespace, quotes, hex, base64 and other spellings, or none; sha1, sha256, sha512, md5; hex, base64, prefixes, a cut value; HMAC and plain hashes; the body, its elements and members, with other line breaks, byte order mark, charset, compression, base64, form coding; its JSON as JavaScript, Python, Go, PHP, .NET and others write it, and in other key orders';
