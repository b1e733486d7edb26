import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf, TrackbridgeError } from '../../core/errors.js';
import { irregularKind } from '../../core/writable.js';

/** The content of the files of `tls`, as PEM text. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Many times the size of any chain of certificates. */
const MAX_FILE = 1024 * 1024;

/**
 * Reads the certificate and the private key of `server` or `admin`, and checks that a listener can use them. Throws
 * CONFIG_INVALID, which names the option and the file.
 */
export function readTlsFiles(
  section: 'server' | 'admin',
  { certFile, keyFile }: { readonly certFile: string; readonly keyFile: string },
): TlsFiles {
  const invalid = (option: 'certFile' | 'keyFile', problem: string, cause?: unknown): Error => {
    const message = `${section}.tls.${option}: ${problem}`;
    const errors = [{ path: `/${section}/tls/${option}`, message }];
    return new TrackbridgeError('CONFIG_INVALID', message, { errors, cause });
  };
  const read = (option: 'certFile' | 'keyFile', file: string): string => {
    try {
      return readPem(file);
    } catch (error) {
      throw invalid(option, `${file} ${faultOf(error)}`, error);
    }
  };
  const cert = read('certFile', certFile);
  const key = read('keyFile', keyFile);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch (error) {
    throw invalid('certFile', `${certFile} does not begin with a certificate in PEM form`, error);
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key);
  } catch (error) {
    const problem = `${keyFile} is not a private key in PEM form without a passphrase`;
    throw invalid('keyFile', problem, error);
  }
  if (!certificate.checkPrivateKey(privateKey)) {
    throw invalid('keyFile', `${keyFile} does not belong to the certificate in ${certFile}`);
  }
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw invalid('certFile', `${certFile} cannot be used: ${messageOf(error)}`, error);
  }
  return { cert, key };
}

function readPem(file: string): string {
  const stats = statSync(file);
  const kind = irregularKind(stats);
  if (kind !== undefined) throw new Error(`is ${kind}; give the path of a PEM file`);
  if (stats.size > MAX_FILE) throw new Error('is larger than 1 MB; give the path of a PEM file');
  return readFileSync(file, 'utf8');
}

function faultOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case undefined:
      return messageOf(error);
    case 'ENOENT':
      return 'does not exist; check the path';
    case 'EACCES':
      return 'is not readable by this user; change its permissions';
    default:
      return `cannot be read (${code}); check the path`;
  }
}
