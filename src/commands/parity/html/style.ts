/** The style of a report: legible on a screen in both color schemes, and on paper. */
export const STYLE = `
:root { color-scheme: light dark; --text: #1b1f24; --dim: #57606a; --line: #d0d7de; --back: #fff;
  --both: #2da44e; --different: #bf8700; --left: #0969da; --right: #8250df; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --back: #0d1117;
  --both: #3fb950; --different: #d29922; --left: #4493f8; --right: #ab7df8; } }
@media print { :root { --text: #000; --dim: #444; --line: #bbb; --back: #fff; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 24px; }
h1 { font-size: 22px; margin: 0; } h2 { font-size: 17px; margin: 28px 0 8px; }
.when, .share span, dt { color: var(--dim); } .when { margin: 4px 0 16px; }
.share strong { font-size: 34px; } .share span { margin-left: 8px; }
dl { display: flex; flex-wrap: wrap; gap: 12px 28px; margin: 16px 0; } dt { font-size: 13px; } dd { margin: 0; font-weight: 600; }
.table { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; } td.number { font-variant-numeric: tabular-nums; }
.note { border-left: 3px solid var(--different); padding-left: 10px; }
svg { width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 11px; }
.both { fill: var(--both); } .different { fill: var(--different); } .left { fill: var(--left); } .right { fill: var(--right); }
.axis { stroke: var(--line); }
`;
