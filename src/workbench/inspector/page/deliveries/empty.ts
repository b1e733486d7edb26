import type { Known } from '../data/inspector.js';
import { CopyButton } from '../parts/copy.js';
import { h as component, html, type VNode } from '../preact.js';

/** Replaces an empty list. */
export function emptyNotice(known: Known, isFiltering: boolean, onClear: () => void): VNode {
  if (isFiltering && known.deliveries.length > 0) {
    return html`<div class="notice">
      <h3>Nothing matches</h3>
      <p>No delivery matches the filters above.</p>
      <button type="button" class="button" onClick=${onClear}>Clear filters</button>
    </div>`;
  }
  if (!known.isLoaded) return html`<div class="notice quiet"><p>Loading deliveries…</p></div>`;
  return noDelivery(known.hello?.target ?? 'http://127.0.0.1:8080/segment');
}

function noDelivery(target: string): VNode {
  const line = curlLine(target);
  return html`<div class="notice">
    <h3>No delivery yet</h3>
    <p>This page shows deliveries as they arrive. Send one from this machine:</p>
    <pre class="command" tabindex="0" aria-label="A command that sends a delivery"><code>${line}</code></pre>
    <p>${component(CopyButton, { text: line, label: 'Copy command' })}</p>
    <p class="hint">
      This delivery is not signed, so a source that checks signatures answers 401; open it here to see why.
      <code>trackbridge send --help</code> shows how to send deliveries exactly like the vendors'. For real ones, set the
      webhook of your workspace to this receiver.
    </p>
  </div>`;
}

function curlLine(target: string): string {
  const body = '{"type":"track","event":"Hello","userId":"u-1","messageId":"hello-1"}';
  return [`curl ${target}`, "-H 'content-type: application/json'", `-d '${body}'`].join(' \\\n  ');
}

/** Says that nothing is recorded, and how to record. */
export function recordingNotice(known: Known): VNode | null {
  if (known.hello === undefined || known.hello.recording) return null;
  return html`<div class="banner warn" role="note">
    <strong>Recording is off.</strong> This page shows only deliveries that arrive while it is open, and they cannot be sent again. To keep recent
    deliveries, add <code>record: {}</code> to <code>admin</code> in the configuration and restart, or run <code>trackbridge dev</code>.
  </div>`;
}
