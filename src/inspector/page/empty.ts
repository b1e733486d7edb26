import { CopyButton } from './copy.js';
import type { Known } from './inspector.js';
import { h as component, html, type VNode } from './preact.js';

/** What stands where the list would be. */
export function emptyNotice(known: Known, isFiltering: boolean, onClear: () => void): VNode {
  if (isFiltering && known.deliveries.length > 0) {
    return html`<div class="notice">
      <h3>Nothing matches</h3>
      <p>No delivery passes the filters above.</p>
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
    <p>This page shows each one as it comes in. Send one from this machine:</p>
    <pre class="command" tabindex="0" aria-label="A command that sends a delivery"><code>${line}</code></pre>
    <p>${component(CopyButton, { text: line, label: 'Copy command' })}</p>
    <p class="hint">
      It is not signed, so it is answered 401 where the source checks signatures; open it here to see why. For deliveries just
      as the vendors make them use <code>trackbridge send --help</code>. For real ones, set the webhook of your workspace to this
      receiver.
    </p>
  </div>`;
}

function curlLine(target: string): string {
  const body = '{"type":"track","event":"Hello","userId":"u-1","messageId":"hello-1"}';
  return [`curl ${target}`, "-H 'content-type: application/json'", `-d '${body}'`].join(' \\\n  ');
}

/** Says that nothing is kept, and how to change that. */
export function recordingNotice(known: Known): VNode | null {
  if (known.hello === undefined || known.hello.recording) return null;
  return html`<div class="banner warn" role="note">
    <strong>Recording is off.</strong> Only what comes in while this page is open is shown, and it cannot be sent again. To keep
    deliveries for a while, add <code>record: {}</code> below <code>admin</code> in the configuration and start again, or run <code>trackbridge dev</code>.
  </div>`;
}
