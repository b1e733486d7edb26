import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../../src/sinks/kit/template.js';
import { anEvent } from '../../dispatch/fakes.js';

const same = (value: string): string => value;

describe('a template', () => {
  it('without braces is what it says', () => {
    expect(compileTemplate('events', same)(anEvent('m'))).toBe('events');
  });

  it.each([
    ['events.{type}', 'events.track'],
    ['{source}/{type}/{event}', 'segment/track/Order Completed'],
    ['{userId}', 'u1'],
    ['a{type}{type}b', 'atracktrackb'],
  ])('%s becomes %s', (text, expected) => {
    expect(compileTemplate(text, same)(anEvent('m'))).toBe(expected);
  });

  it('takes the name of a page, and the anonymousId of who has no userId', () => {
    const { event: _, userId: __, ...rest } = anEvent('m', { name: 'Home', anonymousId: 'a1' });
    const page = { ...rest, type: 'page' } as ReturnType<typeof anEvent>;
    expect(compileTemplate('{event}-{userId}', same)(page)).toBe('Home-a1');
  });

  it('has _ for what an event lacks, or what nothing is left of', () => {
    const { userId: _, ...nobody } = anEvent('m');
    const text = compileTemplate('{userId}.{type}', (value) => value.replace(/[a-z]/g, ''));
    expect(text(nobody as ReturnType<typeof anEvent>)).toBe('_._');
  });

  it('cleans values, and leaves what the operator wrote', () => {
    const clean = (value: string): string => value.replaceAll('.', '_');
    const text = compileTemplate('a.b.{event}', clean);
    expect(text(anEvent('m', { event: 'x.>.*' }))).toBe('a.b.x_>_*');
  });

  it('does not read braces that come with an event', () => {
    expect(compileTemplate('{event}', same)(anEvent('m', { event: '{userId}' }))).toBe('{userId}');
  });

  it.each(['{nope}', '{}', '{constructor}', 'x.{messageid}'])(
    '%s names a field there is not',
    (text) => {
      expect(() => compileTemplate(text, same)).toThrow(/known are \{type\}/);
    },
  );
});
