import type { JsonObject, JsonValue } from './wire.js';

/** An error response of the admin API; status 0 if it did not respond. The message is shown to the reader. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The admin API that serves the page. Every method rejects with an ApiProblem. */
export interface Api {
  get(path: string): Promise<JsonValue>;
  post(path: string, body: JsonObject): Promise<JsonValue>;
  /** Resolves to the response, which need not be JSON. */
  open(path: string, signal?: AbortSignal): Promise<Response>;
}

export interface ApiOptions {
  /** The current bearer token, if any. */
  readonly token: () => string | undefined;
  /** Called when a response says that the token is missing or wrong. */
  readonly onUnauthenticated: () => void;
}

/** Paths are relative to the page, so that it also works below a proxy's path prefix. */
export function createApi({ token, onUnauthenticated }: ApiOptions): Api {
  async function open(path: string, init: RequestInit): Promise<Response> {
    const bearer = token();
    const headers = new Headers(init.headers);
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
    const answer = await fetch(path, { ...init, headers, cache: 'no-store' }).catch(
      (error: unknown) => {
        if (init.signal?.aborted) throw error;
        throw new ApiProblem(0, 'The receiver does not answer. Is it still running?');
      },
    );
    if (answer.ok) return answer;
    if (answer.status === 401) onUnauthenticated();
    throw new ApiProblem(answer.status, await problemIn(answer));
  }

  return {
    get: async (path) => (await (await open(path, {})).json()) as JsonValue,
    async post(path, body) {
      const headers = { 'content-type': 'application/json' };
      const answer = await open(path, { method: 'POST', headers, body: JSON.stringify(body) });
      return (await answer.json()) as JsonValue;
    },
    open: (path, signal) => open(path, signal === undefined ? {} : { signal }),
  };
}

async function problemIn(answer: Response): Promise<string> {
  const body = (await answer.json().catch(() => null)) as {
    detail?: unknown;
    title?: unknown;
  } | null;
  const text = body?.detail ?? body?.title;
  return typeof text === 'string' && text !== '' ? sentence(text) : `It answered ${answer.status}.`;
}

/** Makes a sentence of the API's detail, which begins in lower case and has no full stop. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** Returns the message to show for any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
