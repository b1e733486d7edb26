import { describe, expect, it } from 'vitest';
import { page } from '../support/manual.js';
import { fencesOf, section } from '../support/markdown.js';

describe('the manual on tunnels', () => {
  const text = section(page('getting-started.md'), 'Reach a laptop from the vendors');

  it('leads every tunnel to the port that the receiver listens on, and none to the inspector', () => {
    const commands = fencesOf(text).filter(({ use }) => use === 'tunnel');
    const ports = commands
      .filter(({ language }) => language === 'sh')
      .map((each) => /(?:127\.0\.0\.1:| )(\d{4,5})\b/.exec(each.text)?.[1]);
    expect(ports).toEqual(['8080', '8080', '8080']);
  });

  // rudder-integrations-config, src/configurations/destinations/webhook/schema.json (2026-04-01): what the form takes.
  const FORM =
    /^(https?:\/\/)(?![a-zA-Z0-9-]*\.ngrok\.io)(?!localhost|.*\.localhost)([a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,}(:(6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5]\d{4}|[1-9]\d{1,3}))?(\/.*)?$/;

  it.each([
    ['https://hooks.example.com/rudderstack', true],
    ['https://some-words-here.trycloudflare.com/rudderstack', true],
    ['https://laptop.tail1234.ts.net/rudderstack', true],
    ['https://name.ngrok-free.dev/rudderstack', true],
    ['https://name.ngrok.app/rudderstack', true],
    ['https://name.ngrok.io/rudderstack', false],
    ['http://localhost:8080/rudderstack', false],
    ['http://127.0.0.1:8080/rudderstack', false],
    ['https://my_laptop.example.com/rudderstack', false],
  ])('says of %s what RudderStack’s form does', (url, taken) => {
    expect(FORM.test(url)).toBe(taken);
  });
});
