import { expect, it } from 'vitest';
import { hostsOf } from '../../../src/outbox/postgres/connection/hosts.js';

it('splits the hosts of a URL, each with its own port', () => {
  expect(
    hostsOf('postgresql://u:p%40@a:5433,b/db?target_session_attrs=read-write&sslmode=require'),
  ).toEqual([
    { url: 'postgresql://u:p%40@a:5433/db?sslmode=require', server: 'a:5433' },
    { url: 'postgresql://u:p%40@b/db?sslmode=require', server: 'b:5432' },
  ]);
  expect(hostsOf('postgres://localhost/db')).toEqual([
    { url: 'postgres://localhost/db', server: 'localhost:5432' },
  ]);
});

it.each(['mysql://a/db', 'postgresql://u:pa#ss@a/db', 'postgresql://a:port/db'])(
  'refuses %s without repeating it',
  (url) => {
    expect(() => hostsOf(url)).toThrow(/^outbox\.url must be postgresql:\/\//);
  },
);
