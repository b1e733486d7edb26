import { expect, it } from 'vitest';
import { HTTP, parseUrl } from '../../src/core/url.js';

it.each(['http://a', 'HTTPS://user:password@a:1/b?c#d'])('%s is a URL', (text) => {
  expect(parseUrl(text, HTTP)?.hostname).toBe('a');
});

it.each(['', 'a', '/a', 'http://', 'ftp://a', 'user:password@a', 'http://a b'])(
  '%j is not an http or https URL',
  (text) => expect(parseUrl(text, HTTP)).toBeUndefined(),
);

it('a scheme without a host is rejected, and the same one with a host is accepted', () => {
  expect(parseUrl('redis:///0', ['redis'])).toBeUndefined();
  expect(parseUrl('redis://h/0', ['redis'])?.pathname).toBe('/0');
});
