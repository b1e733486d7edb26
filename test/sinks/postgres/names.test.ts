import { describe, expect, it } from 'vitest';
import { columnName, eventColumn, eventTableName } from '../../../src/sinks/postgres/names.js';

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
    ['_timestamp', '_timestamp', '_timestamp'],
    ['9mega', '9mega', '_9mega'],
    ['_Private name', 'private_name', '_private_name'],
    ['東京', '', ''],
    ['"; DROP TABLE x; --', 'drop_table_x', 'drop_table_x'],
  ])('makes of %j %j at Segment and %j at RudderStack', (path, segment, rudderstack) => {
    expect(columnName(path, 'segment')).toBe(segment);
    expect(columnName(path, 'rudderstack')).toBe(rudderstack);
  });

  it.each(['Order', 'USER', 'xmin'])('puts an underscore before %j, which is reserved', (word) => {
    for (const vendor of ['segment', 'rudderstack'] as const) {
      expect(columnName(word, vendor)).toBe(`_${word.toLowerCase()}`);
      expect(eventColumn(word, vendor)).toBe(word.toLowerCase());
    }
  });

  it('lets no event write into a table of the layout', () => {
    for (const name of ['Tracks', 'users', 'identifies', 'pages']) {
      expect(eventTableName(name, 'segment')).toBe(`_${name.toLowerCase()}`);
    }
  });

  it('cuts names where PostgreSQL does', () => {
    expect(columnName('x'.repeat(100), 'segment')).toHaveLength(63);
  });
});
