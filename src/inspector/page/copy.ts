import { html, useState, type VNode } from './preact.js';

/** Puts text on the clipboard; false where the browser does not let the page, as without TLS away from localhost. */
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

/** A button that copies and says whether it has. */
export function CopyButton({ text, label }: CopyButtonProps): VNode {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  const press = async (): Promise<void> => setState((await copyText(text)) ? 'copied' : 'failed');
  const said = {
    idle: '',
    copied: 'Copied',
    failed: 'Select it and copy: the browser does not allow it',
  };
  return html`<span class="copy">
    <button type="button" class="button" onClick=${press}>${label}</button>
    <span class="copy-state" role="status">${said[state]}</span>
  </span>`;
}
