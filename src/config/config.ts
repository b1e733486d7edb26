import type { ConfigParts } from './generated/options.js';

export type { SinkOptions } from './generated/sink-options.js';

/**
 * The configuration after defaults, environment references and units are resolved: durations are milliseconds, sizes
 * are bytes. It is frozen. No other code reads the environment or the file. The schemas describe every option, and the
 * types below follow them (`npm run config-types`). This file declares only what reading the configuration adds or
 * changes.
 */
export interface Config {
  readonly server: ServerConfig;
  /** If absent, there is no admin listener. */
  readonly admin?: AdminConfig;
  readonly outbox: OutboxConfig;
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly sinks: Readonly<Record<string, SinkConfig>>;
  /** If absent, nothing is traced. */
  readonly telemetry?: TelemetryConfig;
  /** Comparisons of two sources. Absent without any. */
  readonly parity?: Readonly<Record<string, ParityConfig>>;
}

export type ServerConfig = ConfigParts['server'];
export type AdminConfig = ConfigParts['admin'];
export type TelemetryConfig = ConfigParts['telemetry'];
export type TracesConfig = ConfigParts['traces'];

export type OutboxConfig = LocalOutboxConfig | PostgresOutboxConfig;

/** The options of a store of one process. For one without a file, `path` is '' and `durability` is `normal`. */
interface LocalOutboxConfig extends Omit<ConfigParts['outbox-sqlite'], 'type' | 'retention'> {
  readonly type: 'sqlite' | 'memory';
  readonly retention: RetentionConfig;
  readonly quarantine: BoundsConfig;
  readonly deadLetters: BoundsConfig;
}

/** The options of a store that processes share. */
export interface PostgresOutboxConfig extends Omit<ConfigParts['outbox-postgres'], 'retention'> {
  readonly retention: RetentionConfig;
  readonly quarantine: BoundsConfig;
  readonly deadLetters: BoundsConfig;
}

/**
 * The retention of delivered events: milliseconds, and the size of the store in bytes above which the oldest are deleted
 * earlier.
 */
interface RetentionConfig {
  readonly age: number;
  readonly size?: number;
}

/** The limits of quarantine and dead letters: entries, and milliseconds. */
interface BoundsConfig {
  readonly max: number;
  readonly keep: number;
}

export type ParityConfig = ConfigParts['parity'];

export type SourceConfig =
  | SegmentSourceConfig
  | RudderstackSourceConfig
  | TrackingApiSourceConfig
  | WebhookSourceConfig;

export interface SegmentSourceConfig extends Resolved<'source-segment'>, Verified {}
export interface RudderstackSourceConfig extends Resolved<'source-rudderstack'>, Verified {}
export interface TrackingApiSourceConfig extends Resolved<'source-tracking-api'>, Keyed {
  readonly oauth?: OAuthConfig;
}
export interface WebhookSourceConfig extends Resolved<'source-webhook-source'>, Keyed {}

/** The options that every source has, whatever its type. */
export type CommonSourceConfig = Omit<SegmentSourceConfig, 'type'>;

/** The options of a part, except those that reading changes. */
type Resolved<Part extends keyof ConfigParts> = Omit<
  ConfigParts[Part],
  'verify' | 'writeKeys' | 'rateLimit' | 'cors' | 'oauth'
> & {
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  readonly cors?: CorsConfig;
};

/** A source whose deliveries are authenticated by schemes. */
interface Verified {
  /** A single scheme is a list of one. All schemes of a list must pass. */
  readonly verify: readonly VerifyConfig[];
}

/** A source whose deliveries are authenticated by its write keys instead of a scheme. */
interface Keyed extends Verified {
  readonly writeKeys: readonly WriteKey[];
}

/** A write key and the source that its events count for: the source that accepts them, unless the key names another. */
export interface WriteKey {
  readonly key: string;
  readonly source?: string;
}

/** OAuth 2 client credentials with a signed assertion (RFC 7523), as Segment's libraries use them. */
export interface OAuthConfig extends Omit<ConfigParts['oauth'], 'clients'> {
  readonly clients: readonly OAuthClient[];
}
export type OAuthClient = AnyAlgorithm<ConfigParts['oauthClient']>;
export type QueryConfig = ConfigParts['query'];

export interface CorsConfig {
  /** Origins as browsers send them, or `*`. */
  readonly origins: readonly string[];
  /** Lets pages send cookies, as both vendors' APIs do: `sendBeacon` always sends them. */
  readonly credentials?: boolean;
}

/** The options of a JSON Web Token that have a default. */
type JwtDefaults = 'leeway' | 'requireExp' | 'allowPrivateAddresses';

/** How a JSON Web Token is checked: in a source's deliveries, or in requests to the admin listener. */
export type JwtOptions = AnyAlgorithm<
  Omit<ConfigParts['jwt'], JwtDefaults> & Partial<Pick<ConfigParts['jwt'], JwtDefaults>>
>;

/** The schema lists the algorithms. The code that receives the list removes those that do not fit the key. */
type AnyAlgorithm<Options> = Omit<Options, 'algorithms'> & {
  readonly algorithms: readonly string[];
};

/** Adds `secrets`, whatever the file calls them. For `basic` each is `user:password`. */
interface Named<Scheme extends 'basic' | 'write-key'> {
  readonly scheme: Scheme;
  readonly secrets: readonly string[];
}

export type VerifyConfig =
  | ConfigParts['verify-segment-signature']
  | ConfigParts['verify-shared-secret']
  | ConfigParts['verify-hmac']
  | Named<'basic'>
  | Named<'write-key'>
  | ({ readonly scheme: 'jwt' } & JwtOptions)
  | ConfigParts['verify-none'];

type CommonSinkOptions = Omit<ConfigParts['sink'], 'batch' | 'format'>;

export interface SinkConfig extends CommonSinkOptions {
  /** `bytes` are also set by sink types that need a bound of their own. */
  readonly batch: ConfigParts['batch'];
  readonly format: 'canonical' | 'cloudevents';
  /** The maximum number of pending events of this sink. If absent, the outbox's limit applies. */
  readonly maxPending?: number;
  readonly full: 'refuse' | 'drop-oldest' | 'dead-letter';
  /** The options that the sink's own schema describes, with defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** An event goes to the sink if every given filter accepts it. */
export type WhereConfig = ConfigParts['where'];
