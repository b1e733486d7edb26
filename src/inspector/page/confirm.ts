import { html, useEffect, useRef, type VNode } from './preact.js';

export interface ConfirmProps {
  readonly question: string;
  readonly detail: string;
  /** What the button says that does it. */
  readonly action: string;
  /** Whether it takes something away for good. */
  readonly isDangerous: boolean;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

/** Asks before what cannot be undone. Escape is a no, and no is where the focus is. */
export function Confirm({
  question,
  detail,
  action,
  isDangerous,
  onYes,
  onNo,
}: ConfirmProps): VNode {
  const dialog = useRef<HTMLDialogElement | null>(null);
  useEffect(() => {
    dialog.current?.showModal();
    return undefined;
  }, []);
  return html`<dialog ref=${dialog} class="dialog" aria-labelledby="confirm-title" aria-describedby="confirm-detail" onCancel=${onNo}>
    <h2 id="confirm-title">${question}</h2>
    <p id="confirm-detail">${detail}</p>
    <div class="dialog-buttons">
      <button type="button" class="button" onClick=${onNo}>Cancel</button>
      <button type="button" class="button primary ${isDangerous ? 'danger' : ''}" onClick=${onYes}>${action}</button>
    </div>
  </dialog>`;
}
