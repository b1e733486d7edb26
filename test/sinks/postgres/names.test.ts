import { describe, expect, it } from 'vitest';
import { createNames } from '../../../src/sinks/postgres/naming/naming.js';

const PLAIN = { underscoreDivideNumbers: false, underscoreLeadingDigit: false };
const OLDER = { underscoreDivideNumbers: true, underscoreLeadingDigit: true };
const namesOf = createNames(PLAIN);

describe('postgres: names of the warehouse layout', () => {
  // What go-snakecase's own tests say, and the documentation of RudderStack's warehouse schema.
  it.each([
    ['sample text', 'sample_text', 'sample_text'],
    ['sample___text', 'sample_text', 'sample_text'],
    ['sampleText', 'sample_text', 'sample_text'],
    [
      'inviteYourCustomersAddInvites',
      'invite_your_customers_add_invites',
      'invite_your_customers_add_invites',
    ],
    ['   $#$sample   2    Text   ', 'sample_2_text', 'sample_2_text'],
    ['SAMPLE 2 TEXT', 'sample_2_text', 'sample_2_text'],
    ['___$$Base64Encode', 'base64_encode', '___base64_encode'],
    ['FOO:BAR$BAZ', 'foo_bar_baz', 'foo_bar_baz'],
    ['•¶§ƒ˚foo˙∆˚¬', 'foo', 'foo'],
    ['HTTPServer', 'httpserver', 'http_server'],
    ['userID', 'user_id', 'user_id'],
    ['omega v2', 'omega_v2', 'omega_v2'],
    ['CamelCase123Key', 'camel_case123_key', 'camel_case123_key'],
    ['1CComega', '1ccomega', '_1cc_omega'],
    ['_timestamp', 'timestamp', '_timestamp'],
    ['2FA Enabled', '2fa_enabled', '_2fa_enabled'],
    ['isB2B', 'is_b2b', 'is_b2_b'],
    ['sha256Hash', 'sha256_hash', 'sha256_hash'],
    ['Step 2A Completed', 'step_2a_completed', 'step_2a_completed'],
    ['edf_6N', 'edf_6n', 'edf_6n'],
    ['p_z9Rg', 'p_z9_rg', 'p_z9_rg'],
    ['lk0B@bFmjrLQ_Z6YL', 'lk0_b_b_fmjr_lq_z6yl', 'lk0_b_b_fmjr_lq_z6_yl'],
    ['__', '', '__'],
    ['9mega', '9mega', '_9mega'],
    ['_Private name', 'private_name', '_private_name'],
    ['東京', '', ''],
    ['"; DROP TABLE x; --', 'drop_table_x', 'drop_table_x'],
  ])('makes of %j %j at Segment and %j at RudderStack', (path, segment, rudderstack) => {
    expect(namesOf('segment').column(path)).toBe(segment);
    expect(namesOf('rudderstack').column(path)).toBe(rudderstack);
  });

  it.each(['Order', 'USER', 'xmin'])('puts an underscore before %j, which is reserved', (word) => {
    for (const vendor of ['segment', 'rudderstack'] as const) {
      expect(namesOf(vendor).column(word)).toBe(`_${word.toLowerCase()}`);
      expect(namesOf(vendor).event(word)).toBe(word.toLowerCase());
    }
  });

  it('lets no event write into a table of the layout', () => {
    for (const name of ['Tracks', 'users', 'identifies', 'pages']) {
      expect(namesOf('segment').table(name)).toBe(`_${name.toLowerCase()}`);
    }
  });

  it('cuts names where PostgreSQL does', () => {
    expect(namesOf('segment').column('x'.repeat(100))).toHaveLength(63);
  });

  it('are those of older destinations if the options say so', () => {
    const names = createNames(OLDER);
    expect(names('rudderstack').column('omega v2 1st HTTPServer')).toBe(
      'omega_v_2_1st_http_server',
    );
    expect(names('segment').column('9mega')).toBe('_9mega');
  });

  it('are as one event of RudderStack asks', () => {
    const blendo = { useBlendoCasing: true, skipReservedKeywordsEscaping: false };
    expect(namesOf('rudderstack', blendo).column('9 Camel$Case é')).toBe('_9_camel$case__');
    expect(namesOf('rudderstack', blendo).event(' Order Done ')).toBe('order done');
    const bare = { useBlendoCasing: false, skipReservedKeywordsEscaping: true };
    expect(namesOf('rudderstack', bare).column('Order')).toBe('order');
    expect(namesOf('rudderstack', bare).column('xmin')).toBe('_xmin');
  });
});
