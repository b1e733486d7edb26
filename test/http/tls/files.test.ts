import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTlsFiles } from '../../../src/http/tls/files.js';
import { makeCertificate } from '../../support/certificate.js';
import { errorOf } from '../requests.js';

describe('the files of tls', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-tls-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const [own, other] = [makeCertificate('localhost'), makeCertificate('localhost')];
  const certFile = file('own.crt', own.cert);
  const keyFile = file('own.key', own.key);

  it('are read as they are', () => {
    expect(readTlsFiles('server', { certFile, keyFile })).toEqual(own);
  });

  it.each([
    ['a missing certificate', { certFile: 'no.crt' }, 'certFile: no.crt does not exist; check'],
    ['a missing key', { keyFile: 'no.key' }, 'keyFile: no.key does not exist; check the path'],
    ['a directory', { keyFile: directory }, 'is a directory; give the path of a PEM file'],
    ['another file', { certFile: file('a', 'x') }, 'does not begin with a certificate in PEM form'],
    ['a certificate as the key', { keyFile: certFile }, 'is not a private key in PEM form'],
    [
      'the key of another certificate',
      { keyFile: file('other.key', other.key) },
      `other.key does not belong to the certificate in ${certFile}`,
    ],
  ])('are rejected with the option and the file: %s', async (_what, given, message) => {
    const [option] = Object.keys(given);
    const error = await errorOf(() => readTlsFiles('admin', { certFile, keyFile, ...given }));
    expect(error).toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(message),
      errors: [{ path: `/admin/tls/${option}` }],
    });
    expect(String(error)).toContain(`admin.tls.${option}: `);
  });
});
