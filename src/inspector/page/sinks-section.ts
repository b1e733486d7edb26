import { durationOf, numberOf, timeOf } from './format.js';
import { marked, shown } from './parts.js';
import { html, type VNode } from './preact.js';
import { section } from './section.js';
import { isConcerned, progressOf, type Verdict } from './verdict.js';
import type { AttemptRecord, DeliveryRecord } from './wire.js';

/** What each sink has done with the delivery's events so far, and every attempt. */
export function sinksSection(record: DeliveryRecord): VNode {
  const sinks = record.sinks.filter(isConcerned);
  if (sinks.length === 0 && record.attempts.length === 0) {
    return section('Sinks', html`<p class="hint">No sink gets anything of it.</p>`);
  }
  return section(
    'Sinks',
    html`<ul class="sink-list">
        ${sinks.map((sink) => html`<li><span class="sink-name">${shown(sink.sink)}</span>${marked(progressOf(sink))}</li>`)}
      </ul>
      ${attempts(record)}`,
  );
}

function attempts({ attempts: all, attemptsDropped }: DeliveryRecord): VNode {
  if (all.length === 0) return html`<p class="hint">No attempt yet.</p>`;
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label="Attempts">
    <table class="table attempts">
      <thead>
        <tr>
          <th scope="col">Time</th><th scope="col">Sink</th><th scope="col">Outcome</th>
          <th scope="col" class="number">Events</th><th scope="col" class="number">Took</th><th scope="col">Error</th>
        </tr>
      </thead>
      <tbody>${all.map(attemptRow)}</tbody>
    </table>
    ${attemptsDropped > 0 ? html`<p class="hint">${numberOf(attemptsDropped)} earlier attempts are not kept.</p>` : null}
  </div>`;
}

function attemptRow(attempt: AttemptRecord): VNode {
  return html`<tr>
    <td class="mono"><time datetime=${attempt.at} title=${attempt.at}>${timeOf(attempt.at)}</time></td>
    <td>${shown(attempt.sink)}</td>
    <td>${marked(OUTCOMES[attempt.outcome])}</td>
    <td class="number">${attempt.eventIds.length}</td>
    <td class="number">${durationOf(attempt.ms)}</td>
    <td class="attempt-error">${attempt.error === undefined ? '' : shown(attempt.error)}</td>
  </tr>`;
}

const OUTCOMES: Readonly<Record<AttemptRecord['outcome'], Verdict>> = {
  delivered: { label: 'delivered', tone: 'good' },
  transient: { label: 'failed, tried again', tone: 'warn' },
  permanent: { label: 'failed for good', tone: 'bad' },
  skipped: { label: 'skipped', tone: 'quiet' },
};
