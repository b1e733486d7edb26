import type { JsonObject } from './event.js';

// Names in Segment's catalogue of destinations (2025-11) that RudderStack's definitions (2026-04) use as well.
const SAME: readonly string[] = [
  ...['Accoil Analytics', 'ActiveCampaign', 'Adjust', 'Adobe Analytics', 'Airship'],
  ...['Amazon Kinesis', 'Amazon Kinesis Firehose', 'Amplitude', 'Appcues', 'AppsFlyer'],
  ...['Attribution', 'Bing Ads', 'Blueshift', 'Branch Metrics', 'Braze', 'Bugsnag', 'Candu'],
  ...['Chartbeat', 'CleverTap', 'CommandBar', 'Courier', 'Custify', 'Delighted', 'Drip', 'Eloqua'],
  ...['Emarsys', 'Facebook App Events', 'Facebook Pixel', 'Firebase', 'Freshmarketer'],
  ...['Freshsales', 'Gainsight', 'Gainsight PX', 'Google Analytics', 'Google Cloud Function'],
  ...['Google Cloud Storage', 'Google Sheets', 'Google Tag Manager', 'Hotjar', 'HubSpot'],
  ...['Indicative', 'Intercom', 'Iterable', 'Keen', 'Klaviyo', 'Koala', 'Kochava', 'Kustomer'],
  ...['Leanplum', 'Lytics', 'Mailjet', 'Mailmodo', 'Matomo', 'Mixpanel', 'MoEngage', 'Monetate'],
  ...['Mouseflow', 'New Relic', 'Olark', 'Optimizely Web', 'Ortto', 'Pendo', 'PersistIQ'],
  ...['Pinterest Tag', 'Podsights', 'PostHog', 'Postscript', 'ProfitWell', 'Qualaroo'],
  ...['Qualtrics', 'Reddit Pixel', 'Refiner', 'Rockerbox', 'SatisMeter', 'Sentry', 'Serenytics'],
  ...['Singular', 'Slack', 'SnapEngage', 'Statsig', 'Stormly', 'Topsort', 'Userlist', 'Variance'],
  ...['Vero', 'Vitally', 'WebEngage', 'Zapier', 'Zendesk'],
];

// The same destination under Segment's name and under RudderStack's.
const DIFFERENT: readonly (readonly [segment: string, rudderstack: string])[] = [
  ['AWS S3', 'Amazon S3'],
  ['AdRoll', 'Adroll'],
  ['Amazon EventBridge', 'AWS EventBridge'],
  ['Amazon Lambda', 'AWS Lambda'],
  ['Amazon Personalize', 'AWS Personalize'],
  ['AutopilotHQ', 'Autopilot'],
  ['ConvertFlow', 'Convertflow'],
  ['Customer.io', 'Customer IO'],
  ['DoubleClick Floodlight', 'DCM Floodlight'],
  ['Facebook Conversions API (Actions)', 'Facebook Conversions'],
  ['FactorsAI', 'Factors AI'],
  ['FullStory', 'Fullstory'],
  ['Google Ads (Gtag)', 'Google Ads'],
  ['Google Analytics 4 Web', 'Google Analytics 4 (GA4)'],
  ['Google Cloud PubSub', 'Google Cloud Pub/Sub'],
  ['Heap', 'Heap.io'],
  ['InMoment (formerly Wootric)', 'InMoment(formerly Wootric)'],
  ['June', 'JUNE'],
  ['Kafka', 'Apache Kafka'],
  ['Kissmetrics', 'Kiss Metrics'],
  ['LinkedIn Insight Tag', 'Linkedin Insight Tag'],
  ['LiveChat', 'livechat'],
  ['MailChimp', 'Mailchimp'],
  ['Optimizely Full Stack', 'Optimizely Fullstack'],
  ['Quora Conversion Pixel', 'Quora Pixel'],
  ['Rollbar', 'rollbar'],
  ['SendGrid', 'Sendgrid'],
  ['TUNE', 'Tune'],
  ['User.com', 'user.com'],
  ['Webhooks', 'Webhook'],
  ['Woopra', 'WOOPRA'],
  ['Yandex Metrica', 'Yandex.Metrica'],
  ['comScore', 'Comscore'],
];

const TO_RUDDERSTACK: ReadonlyMap<string, string> = new Map([
  ...['All', ...SAME].map((name) => [name, name] as const),
  ...DIFFERENT,
]);
const TO_SEGMENT: ReadonlyMap<string, string> = new Map(
  DIFFERENT.map(([segment, rudderstack]) => [rudderstack, segment]),
);

// What Segment's browser library calls Segment itself: no destination.
const SEGMENT_ITSELF = 'Segment.io';

/**
 * Segment's `integrations` under RudderStack's names, which both compare letter by letter. A name that is not known to
 * mean the same destination is left out: as a filter of RudderStack's it would say something that nobody said. `unknown`
 * tells whether there was such a name.
 */
export function integrationsToRudderstack(integrations: JsonObject): {
  readonly integrations: JsonObject;
  readonly unknown: boolean;
} {
  const entries = Object.entries(integrations).filter(([name]) => name !== SEGMENT_ITSELF);
  const known = entries.flatMap(([name, value]) => {
    const renamed = TO_RUDDERSTACK.get(name);
    return renamed === undefined ? [] : [[renamed, value] as const];
  });
  return { integrations: Object.fromEntries(known), unknown: known.length < entries.length };
}

/** RudderStack's `integrations` under Segment's names; a name that is not known stays, as Segment ignores it. */
export function integrationsToSegment(integrations: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(integrations).map(([name, value]) => [TO_SEGMENT.get(name) ?? name, value]),
  );
}
