import { isObject, type JsonObject, type JsonValue } from '../../core/json.js';
import { objectAt } from '../paths.js';

/**
 * A rule that makes two representations of one fact equal, or removes what one vendor adds on its own. It may replace
 * and delete members of `event`, a copy that it owns at the top level and in `context`, `properties` and `traits`. It
 * returns what it removed or replaced, so that a report can say how many pairs differed only there.
 */
export interface Rule {
  readonly name: string;
  apply(event: JsonObject, parts: EventParts): readonly JsonValue[];
}

/** Parts of an event that rules change. */
interface EventParts {
  readonly type: string;
  readonly context: JsonObject;
  readonly properties: JsonObject | undefined;
  readonly isWeb: boolean;
}

const NOTHING: readonly JsonValue[] = [];

function remove(object: JsonObject | undefined, keys: readonly string[]): readonly JsonValue[] {
  let removed: JsonValue[] | undefined;
  for (const key of keys) {
    const value = object?.[key];
    if (value === undefined || object === undefined) continue;
    removed ??= [];
    removed.push(key, value);
    delete object[key];
  }
  return removed ?? NOTHING;
}

/** What each vendor writes for itself. It differs in every pair, so it is not counted. */
const bookkeeping: Rule = {
  name: 'vendor-bookkeeping',
  apply(event, { context }) {
    for (const key of BOOKKEEPING) if (key in event) delete event[key];
    for (const key of CONTEXT_BOOKKEEPING) if (key in context) delete context[key];
    return NOTHING;
  },
};

const BOOKKEEPING = [
  ...['messageId', 'sentAt', 'receivedAt', 'originalTimestamp', 'writeKey', '_metadata'],
  ...['version', 'projectId', 'rudderId', 'request_ip', 'channel', 'receipt'],
  'forwardedFromProject',
];

const CONTEXT_BOOKKEEPING = [
  ...['library', 'protocols', 'violationErrors', 'trackingPlanId', 'trackingPlanVersion'],
  'trackbridge',
];

/** RudderStack's browser SDK adds the stored traits of the user to every call; identify has them at the top. */
const contextTraits: Rule = {
  name: 'context-traits',
  apply: (_, { context }) => remove(context, ['traits']),
};

const PAGE_EXTRAS = ['tab_url', 'referring_domain', 'initial_referrer', 'initial_referring_domain'];

/** RudderStack adds four fields to a page. */
const pageExtras: Rule = {
  name: 'page-extras',
  apply: (_, { context, properties, type }) => [
    ...remove(objectAt(context, 'page'), PAGE_EXTRAS),
    ...(type === 'page' ? remove(properties, PAGE_EXTRAS) : NOTHING),
  ],
};

/** RudderStack writes `$direct` for a page without a referrer, Segment an empty text. */
const directReferrer: Rule = {
  name: 'direct-referrer',
  apply(_, { context, properties, type }) {
    const page = objectAt(context, 'page');
    const found: JsonValue[] = [];
    for (const place of type === 'page' ? [page, properties] : [page]) {
      if (place?.['referrer'] !== '$direct') continue;
      found.push('$direct');
      place['referrer'] = '';
    }
    return found;
  },
};

/** Browser SDKs copy the name and category of a page into its properties, the SDKs for Node only partly. */
const pageName: Rule = {
  name: 'page-name',
  apply(event, { properties, type }) {
    if ((type !== 'page' && type !== 'screen') || properties === undefined) return NOTHING;
    const copied: JsonValue[] = [];
    for (const key of ['name', 'category']) {
      const value = event[key];
      if (value === undefined || properties[key] !== undefined) continue;
      properties[key] = value;
      copied.push(key);
    }
    return copied;
  },
};

/** Without a choice, Segment writes `Segment.io`, RudderStack `All: true`, the SDKs for Node nothing. */
const integrations: Rule = {
  name: 'integrations',
  apply(event) {
    const given = event['integrations'];
    if (!isObject(given)) return NOTHING;
    const removed = remove(given, ['Segment.io']);
    return given['All'] === true ? [...removed, ...remove(given, ['All'])] : removed;
  },
};

/** RudderStack writes an empty `campaign` where Segment leaves it out. */
const emptyCampaign: Rule = {
  name: 'empty-campaign',
  apply(_, { context }) {
    const campaign = objectAt(context, 'campaign');
    return campaign !== undefined && Object.keys(campaign).length === 0
      ? remove(context, ['campaign'])
      : NOTHING;
  },
};

/** The same client hints have a name of each vendor. Segment collects them by default, RudderStack on request. */
const clientHints: Rule = {
  name: 'client-hints',
  apply: (_, { context }) => remove(context, ['userAgentData', 'ua-ch']),
};

/** The Brave browser's name, which RudderStack appends to the user agent. */
const brave: Rule = {
  name: 'brave-user-agent',
  apply(_, { context }) {
    const { userAgent } = context;
    if (typeof userAgent !== 'string') return NOTHING;
    const plain = userAgent.replace(/ Brave\/[\d.]+$/, '');
    if (plain === userAgent) return NOTHING;
    context['userAgent'] = plain;
    return [userAgent];
  },
};

/** RudderStack's browser SDK describes itself, the screen and the session. */
const webContext: Rule = {
  name: 'web-context',
  apply: (_, { context, isWeb }) =>
    isWeb
      ? remove(context, ['app', 'os', 'screen', 'sessionId', 'sessionStart', 'autoTrack'])
      : NOTHING,
};

/** Enrichments of one vendor's paid plan. */
const enrichments: Rule = {
  name: 'enrichments',
  apply: (_, { context }) => remove(context, ['geo', 'isBot', 'bot']),
};

/** Options that a browser SDK does not know land in the context. */
const leakedOptions: Rule = {
  name: 'leaked-options',
  apply: (_, { context }) => remove(context, ['timestamp', 'originalTimestamp', 'messageId']),
};

/** RudderStack shows the address of a server that sends events, Segment does not. */
const serverAddress: Rule = {
  name: 'server-address',
  apply: (_, { context, isWeb }) => (isWeb ? NOTHING : remove(context, ['ip'])),
};

/** Every rule, in the order in which they apply. */
export const RULES: readonly Rule[] = [
  leakedOptions,
  bookkeeping,
  contextTraits,
  pageExtras,
  directReferrer,
  pageName,
  integrations,
  emptyCampaign,
  clientHints,
  brave,
  webContext,
  enrichments,
  serverAddress,
];
