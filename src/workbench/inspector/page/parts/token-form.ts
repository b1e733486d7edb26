import type { Inspector } from '../data/inspector.js';
import { html, useEffect, useRef, type VNode } from '../preact.js';

export interface TokenFormProps {
  readonly inspector: Inspector;
  readonly wasRefused: boolean;
}

/** Asks for the token of the admin API, which is stored for this tab only. */
export function TokenForm({ inspector, wasRefused }: TokenFormProps): VNode {
  const field = useRef<HTMLInputElement | null>(null);
  useEffect(() => {
    field.current?.focus();
    return undefined;
  }, []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const token = field.current?.value.trim() ?? '';
    if (token !== '') inspector.useToken(token);
  };
  const refused = wasRefused ? 'That token was not accepted. ' : '';
  return html`<section class="notice" aria-labelledby="token-title">
    <h2 id="token-title">A token is needed</h2>
    <p>
      The admin API of this receiver asks for the token that <code>admin.token</code> of its configuration names. It is
      kept for this tab only.
    </p>
    <form class="token-form" onSubmit=${submit}>
      <label for="token">Token</label>
      <input
        ref=${field}
        id="token"
        type="password"
        autocomplete="off"
        required
        aria-describedby="token-state"
        aria-invalid=${wasRefused ? 'true' : null}
      />
      <button type="submit" class="button primary">Unlock</button>
      <p id="token-state" class="field-problem" role="status">${refused}</p>
    </form>
  </section>`;
}
