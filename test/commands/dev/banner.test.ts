import { describe, expect, it } from 'vitest';
import { type DevBanner, devBanner } from '../../../src/commands/dev/banner.js';
import { configFromObject } from '../../../src/config/load.js';
import { sign } from '../../support/sender.js';

const SECRET = 'a-secret-of-the-operator';
const banner = (
  value: object,
  env: Record<string, string> = {},
  more: Partial<DevBanner> = {},
): string =>
  devBanner({
    loaded: configFromObject({ outbox: { type: 'memory' }, ...value }, env, { keepSecrets: false }),
    receiver: 'http://127.0.0.1:8080',
    admin: 'http://127.0.0.1:8081',
    token: undefined,
    id: '1',
    ...more,
  });
const curls = (text: string): string[] =>
  text.split('\n').filter((line) => /^ {2}curl /.test(line));

describe('what dev says at its start', () => {
  it('has the page’s address with a token that was made for it, and no other', () => {
    expect(banner({}, {}, { token: 'T' })).toContain('  http://127.0.0.1:8081/#token=T\n');
    const own = banner({ admin: { token: 'a-token-of-the-operator' } });
    expect(own).toContain('http://127.0.0.1:8081/   (asks for admin.token)');
    expect(own).not.toContain('a-token-of');
  });

  it('shows secrets that were made here, and names the variable of others', () => {
    const made = banner({});
    const secret = /Shared Secret +(\S+)/.exec(made)?.[1] ?? '';
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(made).toMatch(/Headers +x-signature: [\w-]{43}\n/);
    const env = { SEGMENT_SHARED_SECRET: SECRET, RUDDERSTACK_SHARED_SECRET: SECRET };
    const given = banner({}, env);
    expect(given).not.toContain(SECRET);
    expect(given).toContain('Shared Secret   ($SEGMENT_SHARED_SECRET)');
    expect(curls(given)[1]).toContain('-H "x-signature: $RUDDERSTACK_SHARED_SECRET"');
  });

  it('signs the delivery for Segment’s source', () => {
    const [curl = ''] = curls(banner({}, { SEGMENT_SHARED_SECRET: SECRET }));
    const [, signature, body = ''] = /-H 'x-signature: (\w+)' -d '([^']+)' http/.exec(curl) ?? [];
    expect(signature).toBe(sign(body, SECRET));
  });

  it('knows sources of the operator’s own, and leaves out what it has no example for', () => {
    const verify = { scheme: 'shared-secret', header: 'x-mine', secrets: [SECRET] };
    const text = banner({
      sources: {
        open: { type: 'segment', path: '/open', verify: { scheme: 'none' } },
        mine: { type: 'rudderstack', path: '/mine', verify },
        both: { type: 'rudderstack', path: '/both', verify: [verify, verify] },
        sdk: { type: 'tracking-api', path: '/sdk', writeKeys: ['a-write-key-of-sdks'] },
      },
    });
    expect(curls(text)).toEqual([
      expect.stringMatching(
        /^ {2}curl -A 'Segment\.io\/1\.0' -H 'content-type: application\/json' -d '.*' http:\/\/127\.0\.0\.1:8080\/open$/,
      ),
      expect.stringMatching(/-H "x-mine: \$SECRET" .* http:\/\/127\.0\.0\.1:8080\/mine$/),
    ]);
    expect(text).toContain('x-mine: (as in sources.mine.verify)');
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('/sdk');
  });
});
