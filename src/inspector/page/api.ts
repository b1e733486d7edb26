import type { JsonObject, JsonValue } from './wire.js';

/** What the admin API said no with, or that it did not answer (status 0). The message is for the reader. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The admin API that the page came from. Every method rejects with an ApiProblem. */
export interface Api {
  get(path: string): Promise<JsonValue>;
  post(path: string, body: JsonObject): Promise<JsonValue>;
  /** The answer itself, for what is no JSON. */
  open(path: string, signal?: AbortSignal): Promise<Response>;
}

export interface ApiOptions {
  /** The bearer token of now, if there is one. */
  readonly token: () => string | undefined;
  /** Told whenever an answer says that a token is missing or wrong. */
  readonly onUnauthenticated: () => void;
}

/** Paths are relative to the page, so that it works below a proxy's path too. */
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

/** The API's details begin in lower case and end without a full stop. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** What to tell the reader of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
