import { html, useEffect, useRef, type VNode } from '../preact.js';

export interface ConfirmProps {
  readonly question: string;
  readonly detail: string;
  /** The label of the button that confirms. */
  readonly action: string;
  /** Whether the action cannot be undone. */
  readonly isDangerous: boolean;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

/** Asks for confirmation. Escape cancels, and Cancel has the focus. */
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
