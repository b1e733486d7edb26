import { createHmac } from 'node:crypto';
import type { Config, SourceConfig, VerifyConfig } from '../../config/config.js';
import type { LoadedConfig } from '../../config/load.js';
import { settingsLines, type VendorSettings } from '../vendor-settings.js';

export interface DevBanner {
  readonly loaded: LoadedConfig;
  /** Origins of the two listeners. */
  readonly receiver: string;
  readonly admin: string;
  /** Set if it was generated here. The operator knows a configured one. */
  readonly token: string | undefined;
  /** For the example's messageId. */
  readonly id: string;
}

/** A source that a vendor's dashboard can send to. */
interface WebhookSource {
  readonly name: string;
  readonly vendor: VendorSettings['vendor'];
  readonly config: SourceConfig;
  readonly url: string;
  /** The secret if it was generated here, else undefined. */
  readonly made: string | undefined;
  /** The variable that it comes from if it was not generated here. */
  readonly variable: string;
}

/**
 * Returns what somebody who tries Trackbridge needs next: the inspector's URL, a delivery to paste, and the settings
 * for the vendors.
 */
export function devBanner(banner: DevBanner): string {
  const { admin, loaded, receiver, token } = banner;
  const sources = webhookSources(banner);
  const examples = sources.flatMap((source) => exampleOf(source, banner.id));
  const lines = [
    '',
    `Trackbridge receives deliveries at ${receiver} and stores them in ${placeOf(loaded.config)}.`,
    '',
    token === undefined
      ? `  Inspector   ${admin}/   (asks for admin.token)`
      : `  Inspector   ${admin}/#token=${token}`,
    '',
    ...(examples.length === 0 ? [] : ['Send a test delivery from another terminal:', '']),
    ...examples.flatMap((example) => [`  ${example}`, '']),
    ...(sources.length === 0
      ? []
      : [
          'The vendors do not send to localhost. Open a tunnel (see docs/getting-started.md), and',
          '',
        ]),
    ...sources.flatMap((source) => [...settingsLines(settingsOf(source)), '']),
    '',
  ];
  return lines.join('\n');
}

function placeOf({ outbox }: Config): string {
  if (outbox.type === 'postgres') return `the schema ${outbox.schema} of a PostgreSQL database`;
  return outbox.type === 'memory' ? 'memory' : outbox.path;
}

function webhookSources({ loaded, receiver }: DevBanner): WebhookSource[] {
  const byDefault = new Map(loaded.secrets.map((each) => [each.name as string, each]));
  return Object.entries(loaded.config.sources).flatMap(([name, config]) => {
    if (config.type !== 'segment' && config.type !== 'rudderstack') return [];
    const known = byDefault.get(name);
    return {
      name,
      vendor: config.type,
      config,
      url: `${receiver}${config.path}`,
      made: known === undefined || known.origin === 'environment' ? undefined : known.secret,
      variable: known?.variable ?? 'SECRET',
    };
  });
}

function settingsOf({ config, made, name, url, variable, vendor }: WebhookSource): VendorSettings {
  const scheme = config.verify.find(isShared);
  return {
    name,
    vendor,
    url,
    header: scheme?.header ?? 'x-signature',
    secret: made ?? (variable === 'SECRET' ? `(as in sources.${name}.verify)` : `($${variable})`),
  };
}

/** Returns a curl command that the source accepts; none if it requires more than a signature or a shared secret. */
function exampleOf(
  { config, made, name, url, variable, vendor }: WebhookSource,
  id: string,
): string[] {
  const body = JSON.stringify({
    type: 'track',
    event: 'Order Completed',
    messageId: `dev-${name}-${id}`,
    userId: 'user-1',
    properties: { order_id: 'o-1', revenue: 39.95 },
  });
  const [only, ...more] = config.verify;
  if (only === undefined || more.length > 0) return [];
  const header = credentialOf(only, body, made === undefined ? `$${variable}` : made);
  if (header === undefined) return [];
  const agent = vendor === 'segment' ? 'Segment.io/1.0' : 'RudderLabs';
  const fixed = `-A '${agent}' -H 'content-type: application/json'`;
  return [`curl ${fixed}${header} -d '${body}' ${url}`];
}

/** Returns the header of the example, for a shell; '' if none is needed, undefined if it cannot be computed. */
function credentialOf(verify: VerifyConfig, body: string, secret: string): string | undefined {
  if (verify.scheme === 'none') return '';
  // Double quotes, because the secret may be a variable of that shell.
  if (isShared(verify)) return ` -H "${verify.header}: ${secret}"`;
  if (verify.scheme !== 'segment-signature') return undefined;
  const signature = createHmac('sha1', verify.secrets[0] ?? '')
    .update(body)
    .digest('hex');
  return ` -H '${verify.header}: ${signature}'`;
}

function isShared(
  verify: VerifyConfig,
): verify is Extract<VerifyConfig, { scheme: 'shared-secret' }> {
  return verify.scheme === 'shared-secret';
}
