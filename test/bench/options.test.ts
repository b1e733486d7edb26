import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../bench/options.js';

const NAMES = ['servers', 'shapes', 'memory'];
const parse = (...args: string[]) => parseOptions(args, NAMES);

describe('the options of the benchmark', () => {
  it('run every section by default, five rounds of each line', () => {
    expect(parse()).toEqual({
      settings: { rounds: 5, requests: 24_000, events: 1_000_000, full: false },
      sections: NAMES,
      guard: false,
    });
  });

  it('select sections and change their size', () => {
    const args = [
      '--only',
      'memory,servers',
      '--rounds',
      '1',
      '--requests',
      '2000',
      '--full',
      '--lines',
      'file',
    ];
    expect(parse(...args, '--json', 'out.json')).toMatchObject({
      settings: { rounds: 1, requests: 2_000, full: true, lines: 'file' },
      sections: ['memory', 'servers'],
      json: 'out.json',
    });
  });

  it('name a section that does not exist, and those that do', () => {
    expect(() => parse('--only', 'memory,speed')).toThrow(
      'there is no section speed: choose from servers, shapes, memory',
    );
  });

  it.each(['0', '-1', '1.5', 'many', ''])('reject %j as a number of rounds', (text) => {
    expect(() => parse(`--rounds=${text}`)).toThrow('--rounds must be a whole number');
  });

  it('reject what they do not know', () => {
    expect(() => parse('--fast')).toThrow('--fast');
  });
});
