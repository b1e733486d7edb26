import { describe, expect, it } from 'vitest';
import { brandOf } from '../../../src/event/integrations/brand.js';

describe('the brand of a destination', () => {
  it.each([
    ['Amplitude', 'amplitude'],
    ['Actions Amplitude', 'amplitude'],
    ['Amplitude (Actions)', 'amplitude'],
    ['AMPLITUDE', 'amplitude'],
    ['Pardot Actions', 'pardot'],
    ['Gleap (Action)', 'gleap'],
    ['HubSpot Cloud Mode (Actions)', 'hubspot'],
    ['Hubspot Web (actions)', 'hubspot'],
    ['Braze Web Device Mode (Actions)', 'braze'],
    ['Koala (Cloud)', 'koala'],
    ['Mixpanel (Legacy)', 'mixpanel'],
    ['Google Ads (Classic)', 'googleads'],
    ['OneSignal (New)', 'onesignal'],
    ['Marketo V2', 'marketo'],
    ['LaunchDarkly (Actions) Destination', 'launchdarkly'],
    ['Userpilot Web Plugin', 'userpilot'],
    ['Customer.io', 'customerio'],
    ['Customer IO', 'customerio'],
    ['Amazon Lambda', 'amazonlambda'],
    ['AWS Lambda', 'amazonlambda'],
    ['LinkedIn Audiences', 'linkedinaudience'],
    ['New Relic', 'newrelic'],
    ['Actions', 'actions'],
    ['Web', 'web'],
    ['Été', 'été'],
    ['(!)', '(!)'],
    ['', ''],
  ])('of %j is %j', (name, brand) => {
    expect(brandOf(name)).toBe(brand);
  });

  it('of a name longer than any destination has is the name', () => {
    const name = 'Amplitude '.repeat(1_000);
    expect(brandOf(name)).toBe(name);
    expect(brandOf('Amplitude'.padEnd(200))).toBe('amplitude');
    expect(brandOf('Amplitude'.padEnd(201))).toBe('Amplitude'.padEnd(201));
  });
});
