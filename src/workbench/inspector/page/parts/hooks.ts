import type { Inspector, Known } from '../data/inspector.js';
import { useEffect, useRef, useState } from '../preact.js';
import { type Route, routeOf } from '../route.js';

/** Returns the page's data, and renders again after every change. */
export function useKnown(inspector: Inspector): Known {
  const [known, setKnown] = useState(inspector.known());
  useEffect(() => {
    const update = (): void => setKnown(inspector.known());
    update();
    return inspector.subscribe(update);
  }, [inspector]);
  return known;
}

/** Returns the route of the page's address. */
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
 * Handles keys anywhere on the page, except in dialogs, in fields (apart from Escape), and with Ctrl, Alt or Meta, which
 * belong to the browser. A handler returns whether it used the key.
 */
export function useKeys(keys: Readonly<Record<string, () => boolean>>): void {
  // From the latest render: a key can be pressed before its effects have run.
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
