import { announcementOf } from './announce.js';
import type { Inspector, Known } from './data/inspector.js';
import type { Connection } from './data/live.js';
import type { Totals } from './data/wire.js';
import { DeliveriesView, type ListState, startOfList } from './deliveries/view.js';
import { EntriesView } from './entries/view.js';
import { OverviewView } from './overview/view.js';
import { icon } from './parts/elements.js';
import { numberOf } from './parts/format.js';
import { useKnown, useRoute } from './parts/hooks.js';
import { TokenForm } from './parts/token-form.js';
import { h as component, html, useEffect, useRef, useState, type VNode } from './preact.js';
import { hashOf, PLACES, type Place } from './route.js';
import { nextTheme, type Theme } from './theme.js';

export interface AppProps {
  readonly inspector: Inspector;
  readonly theme: Theme;
}

export function App({ inspector, theme }: AppProps): VNode {
  const known = useKnown(inspector);
  const route = useRoute();
  const [list, setList] = useState<ListState>(startOfList);
  const title = PLACES.find(({ place }) => place === route.place)?.title ?? '';
  useEffect(() => {
    document.title = `${title} · Trackbridge Inspector`;
    return undefined;
  }, [title]);

  const view = (): VNode => {
    if (known.connection.phase === 'token') {
      return component(TokenForm, { inspector, wasRefused: known.connection.wasRefused });
    }
    if (route.place === 'overview') return component(OverviewView, { known });
    if (route.place === 'deliveries') {
      return component(DeliveriesView, { inspector, known, openId: route.id, list, setList });
    }
    const { place, id } = route;
    return component(EntriesView, { key: place, inspector, known, place, openId: id });
  };
  return html`<div class="app">
    <header class="top">
      <h1 class="brand">Trackbridge <span class="brand-part">Inspector</span></h1>
      ${navigation(route.place, known.totals)}
      <div class="top-end">${connectionSign(known.connection)}${component(ThemeButton, { theme })}</div>
    </header>
    ${lostBanner(known.connection)}
    <main class="main">${view()}</main>
    ${component(Announcer, { known })}
  </div>`;
}

/** Returns the number of entries of a view that need attention. */
function waiting(place: Place, totals: Totals | undefined): number {
  if (totals === undefined) return 0;
  if (place === 'quarantine') return totals.inQuarantine;
  if (place !== 'dead-letters') return 0;
  return totals.sinks.reduce((sum, { deadLetters }) => sum + deadLetters, 0);
}

function navigation(current: Place, totals: Totals | undefined): VNode {
  return html`<nav class="places" aria-label="Parts of the inspector">
    ${PLACES.map(({ place, title }) => {
      const count = waiting(place, totals);
      return html`<a
          key=${place}
          class="place"
          href=${hashOf({ place })}
          aria-current=${place === current ? 'page' : null}
          >${title}${count === 0 ? null : html` <span class="count">${numberOf(count)}</span>`}</a
        >`;
    })}
  </nav>`;
}

const PHASES: Readonly<
  Record<Connection['phase'], { readonly text: string; readonly tone: string }>
> = {
  connecting: { text: 'Connecting', tone: 'quiet' },
  live: { text: 'Live', tone: 'good' },
  lost: { text: 'Lost', tone: 'bad' },
  token: { text: 'Locked', tone: 'warn' },
};

function connectionSign({ phase }: Connection): VNode {
  const { text, tone } = PHASES[phase];
  return html`<span class="connection ${tone}"
    ><span class="dot" aria-hidden="true"></span><span class="unseen">Connection: </span>${text}</span
  >`;
}

function lostBanner(connection: Connection): VNode | null {
  if (connection.phase !== 'lost') return null;
  return html`<div class="banner bad" role="alert">
    <strong>Connection lost, reconnecting.</strong> ${connection.why}
  </div>`;
}

function ThemeButton({ theme }: { readonly theme: Theme }): VNode {
  const [choice, setChoice] = useState(theme.choice());
  const next = nextTheme(choice);
  const press = (): void => {
    theme.choose(next);
    setChoice(next);
  };
  const label = `Theme: ${choice}. Change to ${next}.`;
  return html`<button type="button" class="icon-button" aria-label=${label} title=${label} onClick=${press}>
    ${icon(choice)}
  </button>`;
}

/** Milliseconds between two announcements, so that a screen reader can finish each. */
const SPOKEN_EVERY = 10_000;

/** Announces new deliveries to screen readers. */
function Announcer({ known }: { readonly known: Known }): VNode {
  const [text, setText] = useState('');
  const latest = useRef(known.deliveries);
  latest.current = known.deliveries;
  useEffect(() => {
    let told = new Set(latest.current.map(({ id }) => id));
    const timer = setInterval(() => {
      const news = latest.current.filter(({ id }) => !told.has(id));
      if (news.length === 0) return;
      told = new Set(latest.current.map(({ id }) => id));
      setText(announcementOf(news));
    }, SPOKEN_EVERY);
    return () => clearInterval(timer);
  }, []);
  return html`<div class="unseen" role="status" aria-live="polite">${text}</div>`;
}
