import type { Inspector, Known } from './inspector.js';
import { useEffect, useRef, useState } from './preact.js';
import { type Route, routeOf } from './route.js';

/** What the page knows, now and after every change. */
export function useKnown(inspector: Inspector): Known {
  const [known, setKnown] = useState(inspector.known());
  useEffect(() => {
    const update = (): void => setKnown(inspector.known());
    update();
    return inspector.subscribe(update);
  }, [inspector]);
  return known;
}

/** Where the page is, by its address. */
export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const update = (): void => setRoute(routeOf(location.hash));
    addEventListener('hashchange', update);
    return () => removeEventListener('hashchange', update);
  }, []);
  return route;
}

/**
 * Keys that work wherever the focus is, but in fields and dialogs, where they mean something else (Escape works in fields),
 * and with Ctrl, Alt or Meta, which are the browser's. A handler says whether it has used its key.
 */
export function useKeys(keys: Readonly<Record<string, () => boolean>>): void {
  // Those of the latest rendering: a key may come before effects of it have run.
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      const target = event.target instanceof Element ? event.target : undefined;
      const isTyping = target?.closest('input, select, textarea') != null && event.key !== 'Escape';
      if (isTyping || target?.closest('dialog') != null) return;
      if (latest.current[event.key]?.() === true) event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}
