import { App } from './app.js';
import { createInspector } from './data/inspector.js';
import { h, render } from './preact.js';
import { tokenIn } from './route.js';
import { createTheme } from './theme.js';

const theme = createTheme(localStorage, document.documentElement);
const token = tokenIn(location.hash);
// Removes the token from the address bar and the history.
if (token !== undefined) history.replaceState(null, '', `${location.pathname}#/deliveries`);
const inspector = createInspector({ storage: sessionStorage, token });

const root = document.getElementById('app');
if (root !== null) render(h(App, { inspector, theme }), root);
