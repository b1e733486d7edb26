import { describe, expect, it } from 'vitest';
import { ENV, load, problemsOf } from '../support.js';

describe('a listener on a socket', () => {
  it.each([
    ['server: { socket: a, port: 1 }', {}, /server\.port conflicts with socket/],
    ['server: { socket: a, workers: 2 }', {}, /server\.workers must be 1 with server\.socket/],
    ['server: { socket: a, tls: { certFile: c, keyFile: k } }', {}, /server\.tls conflicts with/],
    ['{ server: { socket: a }, admin: { socket: ./a } }', {}, /admin\.socket is also server/],
    ['admin: { socket: a, host: 0.0.0.0 }', {}, /admin\.host conflicts with socket/],
    ['server: { socket: a }', { overrides: { port: 1 } }, /server\.socket conflicts with --port/],
  ])('is rejected: %s', (file, options, problem) => {
    expect(problemsOf(file, options)).toEqual([expect.stringMatching(problem)]);
  });

  it('ignores HOST and PORT, and needs no token', () => {
    const env = { ...ENV, HOST: '127.0.0.2', PORT: '1' };
    const { config } = load('{ server: { socket: a }, admin: { socket: b } }', { env });
    expect([config.server.socket, config.server.port]).toEqual(['a', 8080]);
  });
});
