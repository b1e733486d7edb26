import type { Line, Result } from '../../../bench/report/result.js';

/** A figure without a range. */
export const exactly = (median: number) => ({ median, min: median, max: median });

export const LINE: Line = {
  name: 'Trackbridge',
  figures: {
    events: { median: 7_276, min: 7_100, max: 7_300 },
    ratio: { median: 0.464, min: 0.45, max: 0.47 },
    p50: exactly(2),
    p99: exactly(12.94),
    p999: exactly(30),
  },
  targets: [
    { column: 'ratio', atLeast: 0.75 },
    { column: 'p99', atMost: 25 },
    { column: 'resident', atMost: 150 },
  ],
};

export const RESULT: Result = {
  machine: {
    cpu: 'A processor',
    cores: 2,
    memoryGigabytes: 24,
    kernel: 'Linux 6.1',
    node: 'v20.20.2',
    fileSystem: 'ext4',
    fsync: { p50: 0.312, p99: 0.71 },
    date: '2026-11-30T12:00:00.000Z',
    commit: 'abcdef0',
  },
  settings: { rounds: 5, requests: 12_000, events: 1_000_000, full: false },
  sections: [
    { name: 'servers', lines: [LINE], notes: ['A note.'], errors: [], seconds: 60 },
    { name: 'shapes', lines: [], notes: [], errors: ['bare: exit 1'], seconds: 1 },
  ],
};
