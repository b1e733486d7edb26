import { answered, retryAfterIn } from '../kit/http-answer.js';
import type { HttpAnswer } from '../kit/http-client.js';
import type { SinkError } from '../sink.js';

/**
 * Error codes about the values of a row (ClickHouse's src/Common/ErrorCodes.cpp): a value that cannot be parsed, does
 * not fit its column or violates a constraint. A retry of the same rows fails again.
 */
const ABOUT_ROWS: ReadonlySet<number> = new Set([
  6, // CANNOT_PARSE_TEXT
  25, // CANNOT_PARSE_ESCAPE_SEQUENCE
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  131, // TOO_LARGE_STRING_SIZE
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  407, // DECIMAL_OVERFLOW
  467, // CANNOT_PARSE_BOOL
  469, // VIOLATED_CONSTRAINT
]);

const CREDENTIALS = 'check user and password';

/** Advice for the errors that an operator can fix. */
const ADVICE: ReadonlyMap<number, string> = new Map([
  [16, 'the table lacks a column, such as dedupe_key; add it'],
  [60, 'there is no such table; create it, or set create: true'],
  [81, 'there is no such database; create it, or correct database'],
  [115, 'the server does not know a setting; it must be ClickHouse 22.2 or newer'],
  [164, 'the user may only read; grant INSERT'],
  [192, CREDENTIALS],
  [193, CREDENTIALS],
  [194, CREDENTIALS],
  [202, 'the server is running too many queries'],
  [241, 'the server is out of memory'],
  [242, 'the table is temporarily read-only'],
  [243, 'the server has no space left on its disk'],
  [252, 'the table has too many parts; make batch.size and batch.wait larger'],
  [497, 'the user lacks a right; grant INSERT on the table, and CREATE TABLE for create: true'],
  [516, CREDENTIALS],
]);

/** Returns the code of the exception that an answer reports; undefined if it reports none. */
export function exceptionIn({ headers, body }: HttpAnswer): number | undefined {
  const header = headers['x-clickhouse-exception-code'];
  if (typeof header === 'string' && /^\d{1,5}$/.test(header)) return Number(header);
  // An error after the headers are sent is reported only in the body, under a 200.
  const told = /\bCode: (\d{1,5})[.,][^\n]*DB::[A-Za-z]*Exception/.exec(body)?.[1];
  return told === undefined ? undefined : Number(told);
}

/**
 * Interprets an answer: undefined if all rows were inserted. Only an error about the rows, or a body that a proxy finds
 * too large, is permanent; the dispatcher then halves the batch until it finds the event that causes it. `now` is this
 * machine's time.
 */
export function clickHouseFailure(answer: HttpAnswer, now: number): SinkError | undefined {
  const { status, headers, excerpt } = answer;
  const code = exceptionIn(answer);
  if (status >= 200 && status < 300 && code === undefined) return undefined;
  const retryable = code === undefined ? status !== 413 : !ABOUT_ROWS.has(code);
  const meaning =
    code !== undefined && ABOUT_ROWS.has(code)
      ? 'it rejected a value of the event'
      : ADVICE.get(code ?? 0);
  const parts = [code === undefined ? undefined : `code ${code}`, meaning];
  return answered(status, excerpt, {
    who: 'ClickHouse',
    retryable,
    retryAfter: retryable ? retryAfterIn(headers, now) : undefined,
    advice: parts.filter((part) => part !== undefined).join(', ') || undefined,
  });
}
