import { describe, expect, it } from 'vitest';
import { RUDDERSTACK_ONLY, SHARED } from '../../../src/event/integrations/destinations.js';
import {
  integrationsToRudderstack,
  integrationsToSegment,
} from '../../../src/event/integrations/translate.js';

const toRudderstack = (integrations: object) =>
  integrationsToRudderstack(integrations as never).integrations;
const toSegment = (integrations: object) => integrationsToSegment(integrations as never);

describe('Segment’s integrations under RudderStack’s names', () => {
  it.each([
    ['Actions Amplitude', ['Amplitude']],
    ['Amplitude (Actions)', ['Amplitude']],
    ['Mixpanel Web (actions)', ['Mixpanel']],
    ['HubSpot Cloud Mode (Actions)', ['HubSpot']],
    ['Intercom Web (Actions)', ['Intercom', 'Intercom V2']],
    ['Google Analytics 4 Cloud', ['Google Analytics 4 (GA4)', 'Google Analytics 4 (GA4) V2']],
    ['Actions Google Analytics 4', ['Google Analytics 4 (GA4)', 'Google Analytics 4 (GA4) V2']],
    ['Salesforce (Actions)', ['Salesforce', 'Salesforce V2', 'Salesforce Bulk Upload']],
    ['Appboy', ['Braze']],
    ['AWS S3', ['Amazon S3']],
    ['Webhooks (Actions)', ['Webhook', 'HTTP Webhook']],
    ['TikTok Pixel', ['TikTok Ads']],
    ['Snap Audiences (Actions)', ['Snapchat Custom Audience']],
    ['Facebook Conversions Api Web', ['Facebook Conversions', 'Facebook Pixel']],
    ['LinkedIn Conversions API', ['Linkedin Ads']],
    ['Heap Web (Actions)', ['Heap.io']],
    ['Google Enhanced Conversions', ['Google Ads Enhanced Conversions']],
    // Not in Segment's catalog: found by the rule.
    ['Discord (Actions)', ['Discord']],
    ['Redshift', ['Redshift']],
  ])('keep the opt-out from %s', (name, expected) => {
    const { integrations, unmapped } = integrationsToRudderstack({ [name]: false });
    for (const each of expected) expect(integrations).toHaveProperty([each], false);
    expect(unmapped).toEqual([]);
  });

  it('keep the opt-out from every name of a destination that both vendors have', () => {
    for (const [rudderstack, segment] of SHARED) {
      for (const name of segment) {
        expect(toRudderstack({ [name]: false })).toMatchObject(
          Object.fromEntries(rudderstack.map((each) => [each, false])),
        );
      }
    }
  });

  it('keep `All` and options, and choose what was chosen', () => {
    const options = { session_id: 1 };
    expect(toRudderstack({ All: false, 'Actions Amplitude': options, Mixpanel: true })).toEqual({
      All: false,
      Amplitude: options,
      Mixpanel: true,
    });
  });

  it.each([
    [{ Amplitude: true, 'Actions Amplitude': false }],
    [{ 'Actions Amplitude': false, Amplitude: true }],
    [{ Amplitude: { a: 1 }, 'Amplitude (Actions)': false }],
    [{ Amplitude: 'false', 'Actions Amplitude': true }],
  ])('forbid where one of two names forbids: %j', (integrations) => {
    expect(toRudderstack(integrations)).toEqual({ Amplitude: false });
  });

  it('join the options of two names, and prefer options to plain consent', () => {
    expect(toRudderstack({ Amplitude: { a: 1 }, 'Actions Amplitude': { b: 2 } })).toEqual({
      Amplitude: { a: 1, b: 2 },
    });
    expect(toRudderstack({ Amplitude: { a: 1 }, 'Actions Amplitude': true })).toEqual({
      Amplitude: { a: 1 },
    });
    expect(toRudderstack({ Amplitude: null, 'Actions Amplitude': true })).toEqual({
      Amplitude: true,
    });
  });

  it('pass on what is forbidden under an unknown name, and choose nothing by one', () => {
    const result = integrationsToRudderstack({ Own: false, Other: true, Third: { a: 1 } });
    expect(result).toEqual({ integrations: { Own: false }, unmapped: ['Own', 'Other', 'Third'] });
  });

  it('leave out Segment’s name for itself', () => {
    expect(integrationsToRudderstack({ 'Segment.io': true })).toEqual({
      integrations: {},
      unmapped: [],
    });
  });
});

describe('RudderStack’s integrations under Segment’s names', () => {
  it('forbid every destination of Segment’s that the name can mean', () => {
    expect(toSegment({ Amplitude: false })).toEqual({
      integrations: { Amplitude: false, 'Actions Amplitude': false, 'Amplitude (Actions)': false },
      unmapped: [],
    });
    for (const [rudderstack, segment] of SHARED) {
      for (const name of rudderstack) {
        expect(toSegment({ [name]: false }).integrations).toMatchObject(
          Object.fromEntries(segment.map((each) => [each, false])),
        );
      }
    }
  });

  it('forbid where one of two names forbids', () => {
    const { integrations } = toSegment({ Salesforce: true, 'Salesforce V2': false });
    expect(integrations).toEqual({ Salesforce: false, 'Salesforce (Actions)': false });
  });

  it('keep names without a counterpart, and say which they are', () => {
    expect(toSegment({ All: false, Redshift: false, Own: { a: 1 } })).toEqual({
      integrations: { All: false, Redshift: false, Own: { a: 1 } },
      unmapped: ['Redshift', 'Own'],
    });
  });
});

describe('the table of destinations', () => {
  it('names each of RudderStack’s destinations once, except in rows that share a name of Segment’s', () => {
    const names = [...SHARED.flatMap(([rudderstack]) => rudderstack), ...RUDDERSTACK_ONLY];
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
  });

  it('has at least one name of each vendor in a row, none of them empty', () => {
    for (const row of SHARED) {
      for (const names of row) expect(names, JSON.stringify(row)).not.toEqual([]);
    }
    const names = [...SHARED.flat(2), ...RUDDERSTACK_ONLY];
    expect(names.filter((name) => name === '' || name !== name.trim())).toEqual([]);
  });
});
