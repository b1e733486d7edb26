/** Colors for light and dark pages. A picture in a page cannot see the page's theme, only the system's. */
const STYLE = `
  .paper { fill: #ffffff }
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .faint { fill: #57606a }
  .grid { stroke: #d0d7de; stroke-width: 1 }
  .axis { stroke: #57606a; stroke-width: 1.5 }
  .range { stroke: #24292f; stroke-width: 1.5 }
  .target { stroke: #cf222e; stroke-width: 3 }
  .bar { fill: #54aeff }
  .line { fill: none; stroke-width: 2.5 }
  .c0 { stroke: #57606a } .c1 { stroke: #0969da } .c2 { stroke: #1a7f37 } .c3 { stroke: #bc4c00 } .c4 { stroke: #8250df }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 }
    text { fill: #e6edf3 }
    .faint { fill: #9198a1 }
    .grid { stroke: #30363d }
    .axis { stroke: #9198a1 }
    .range { stroke: #e6edf3 }
    .target { stroke: #ff7b72 }
    .bar { fill: #1f6feb }
    .c0 { stroke: #9198a1 } .c1 { stroke: #58a6ff } .c2 { stroke: #3fb950 } .c3 { stroke: #f0883e } .c4 { stroke: #d2a8ff }
  }
`;

/** A text as content or attribute of an element. */
function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** An element. Numbers get one digit, so that a picture changes only with what it shows. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content = '',
): string {
  const text = Object.entries(attributes).map(([key, value]) => {
    const shown = typeof value === 'number' ? String(Math.round(value * 10) / 10) : value;
    return ` ${key}="${escapeXml(shown)}"`;
  });
  return `<${name}${text.join('')}${content === '' ? '/>' : `>${content}</${name}>`}`;
}

/** A text at a place. */
export function label(
  x: number,
  y: number,
  text: string,
  attributes: Readonly<Record<string, string>> = {},
): string {
  return element('text', { x, y, ...attributes }, escapeXml(text));
}

/** A whole picture on its own background. `title` is what a screen reader says. */
export function picture(
  width: number,
  height: number,
  title: string,
  parts: readonly string[],
): string {
  const root = {
    xmlns: 'http://www.w3.org/2000/svg',
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: 'img',
  };
  const content = [
    element('title', {}, escapeXml(title)),
    element('style', {}, STYLE),
    element('rect', { class: 'paper', width, height }),
    ...parts,
  ];
  return `${element('svg', root, `\n${content.join('\n')}\n`)}\n`;
}
