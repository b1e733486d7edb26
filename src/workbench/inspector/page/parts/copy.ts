import { html, useState, type VNode } from '../preact.js';

/** Copies text; false if the browser does not allow it, for example without TLS on a host other than localhost. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

export interface CopyButtonProps {
  readonly text: string;
  readonly label: string;
}

/** A button that copies a text and reports success. */
export function CopyButton({ text, label }: CopyButtonProps): VNode {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const press = async (): Promise<void> => setState((await copyText(text)) ? 'copied' : 'failed');
  const said = {
    idle: '',
    copied: 'Copied',
    failed: 'The browser does not allow copying. Select the text',
  };
  return html`<span class="copy">
    <button type="button" class="button" onClick=${press}>${label}</button>
    <span class="copy-state" role="status">${said[state]}</span>
  </span>`;
}
