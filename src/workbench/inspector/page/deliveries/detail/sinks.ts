import type { AttemptRecord, DeliveryRecord } from '../../data/wire.js';
import { type Badge, isConcerned, progressOf } from '../../parts/badges.js';
import { failure, marked, shown } from '../../parts/elements.js';
import { durationOf, numberOf, timeOf } from '../../parts/format.js';
import { section } from '../../parts/section.js';
import { html, type VNode } from '../../preact.js';

/** Shows each sink's progress with the delivery's events, and every attempt. */
export function sinksSection(record: DeliveryRecord): VNode {
  const sinks = record.sinks.filter(isConcerned);
  if (sinks.length === 0 && record.attempts.length === 0) {
    return section('Sinks', html`<p class="hint">Not sent to any sink.</p>`);
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
  const hasMembers = all.some(({ member }) => member !== undefined);
  return html`<div class="scroll-x" tabindex="0" role="region" aria-label="Attempts">
    <table class="table attempts">
      <thead>
        <tr>
          <th scope="col">Time</th><th scope="col">Sink</th>${hasMembers ? html`<th scope="col">Member</th>` : null}<th scope="col">Outcome</th>
          <th scope="col" class="number">Events</th><th scope="col" class="number">Took</th><th scope="col">Error</th>
        </tr>
      </thead>
      <tbody>${all.map((attempt) => attemptRow(attempt, hasMembers))}</tbody>
    </table>
    ${attemptsDropped > 0 ? html`<p class="hint">${numberOf(attemptsDropped)} earlier attempts are not kept.</p>` : null}
  </div>`;
}

function attemptRow(attempt: AttemptRecord, hasMembers: boolean): VNode {
  return html`<tr>
    <td class="mono"><time datetime=${attempt.at} title=${attempt.at}>${timeOf(attempt.at)}</time></td>
    <td>${shown(attempt.sink)}</td>
    ${hasMembers ? html`<td>${shown(attempt.member ?? '')}</td>` : null}
    <td>${marked(OUTCOMES[attempt.outcome])}</td>
    <td class="number">${attempt.eventIds.length}</td>
    <td class="number">${durationOf(attempt.ms)}</td>
    <td class="attempt-error">${failure(attempt.error, attempt.farSide)}</td>
  </tr>`;
}

const OUTCOMES: Readonly<Record<AttemptRecord['outcome'], Badge>> = {
  delivered: { label: 'delivered', tone: 'good' },
  transient: { label: 'failed, retrying', tone: 'warn' },
  permanent: { label: 'failed permanently', tone: 'bad' },
  skipped: { label: 'filtered', tone: 'quiet' },
};
