import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../support/manual.js';

const UNIT = 'deploy/systemd/trackbridge.service';
/** What `systemd-analyze security` calls OK: 0 is a service that may do nothing, 10 one that may do everything. */
const MOST_EXPOSED = 2;

const isMissing = spawnSync('systemd-analyze', ['--version']).status !== 0;

describe.skipIf(isMissing && process.env['CI'] === undefined)('the unit file for systemd', () => {
  const directory = mkdtempSync(join(tmpdir(), 'trackbridge-systemd-'));
  afterAll(() => rmSync(directory, { recursive: true }));

  const analyze = (...args: string[]) =>
    spawnSync('systemd-analyze', args, {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, SYSTEMD_LOG_LEVEL: 'warning' },
    });

  it('is valid', () => {
    const { status, stderr, stdout } = analyze('verify', UNIT);
    expect(stdout + stderr).toBe('');
    expect(status).toBe(0);
  });

  it('allows the service little', () => {
    const { stdout } = analyze('security', '--offline=true', UNIT);
    const level = /Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1];
    expect(Number(level), stdout.slice(-500)).toBeLessThanOrEqual(MOST_EXPOSED);
  });

  it('would not be valid with a misspelled setting', () => {
    const path = join(directory, 'trackbridge.service');
    writeFileSync(path, '[Service]\nExecStart=/bin/true\nProtectSistem=strict\n');
    chmodSync(path, 0o644);
    expect(analyze('verify', path).stderr).toContain('ProtectSistem');
  });
});
