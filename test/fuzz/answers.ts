/** One HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const HEAD = /^HTTP\/1\.1 ([1-5]\d\d) [ -~]*\r\n((?:[!-9;-~]+: ?[\t -~\u0080-\u00ff]*\r\n)*)\r\n/;

/**
 * The answers in what came back, strictly read. `mayBeHead`: an answer with a length may stand without its body, as one to
 * HEAD does. A tail that is no whole answer is given back as `rest`.
 */
export function readAnswers(
  bytes: Buffer,
  mayBeHead: boolean,
): { readonly answers: readonly Answer[]; readonly rest: string } {
  const answers: Answer[] = [];
  let text = bytes.toString('latin1');
  while (text !== '') {
    const head = HEAD.exec(text);
    if (head === null) break;
    const status = Number(head[1]);
    const headers = headersOf(head[2] ?? '');
    const length = Number(headers.get('content-length') ?? 0);
    const after = text.slice(head[0].length);
    const isBare = status < 200 || status === 204 || (mayBeHead && isNext(after));
    const size = isBare ? 0 : length;
    if (after.length < size) break;
    answers.push({ status, headers, body: Buffer.from(after.slice(0, size), 'latin1').toString() });
    text = after.slice(size);
  }
  return { answers, rest: text };
}

function isNext(text: string): boolean {
  return text === '' || text.startsWith('HTTP/1.1 ');
}

function headersOf(lines: string): ReadonlyMap<string, string> {
  return new Map(
    lines
      .split('\r\n')
      .filter((line) => line !== '')
      .map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
      }),
  );
}
