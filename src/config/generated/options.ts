// Generated from the schemas by `npm run config-types`. Change those, and run it.

import type { JsonObject } from '../../core/json.js';

/** The listener that receives deliveries. */
interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly budget: number;
  readonly bodyLimit: number;
  readonly queryLimit: number;
  readonly maxConcurrent: number;
  readonly maxBodyBytes: number;
  readonly maxConnections: number;
  readonly workers: number;
  readonly socket?: string;
  readonly tls?: TlsOptions;
  readonly trustProxy: boolean | number | readonly string[];
}

/** A second listener for operators: statistics, dead letters, quarantine, metrics and the inspector. If absent, there is no admin listener. */
interface AdminOptions {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  readonly socket?: string;
  readonly tls?: TlsOptions;
  readonly jwt?: AdminJwtOptions;
  readonly url?: string;
  readonly record?: AdminRecordOptions;
  readonly redact?: readonly string[];
}

/** What the receiver exports about itself. Metrics and logs need no section. */
interface TelemetryOptions {
  readonly traces?: TracesOptions;
}

/** Exports OpenTelemetry traces over OTLP/HTTP. If absent, nothing is traced. */
interface TracesOptions {
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sample: number;
}

/** Certificate and private key. The listener then serves HTTPS. A reload reads both files again; new connections get the new certificate. To add or remove `tls`, restart the receiver. */
interface TlsOptions {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Keep the last deliveries in memory for the inspector. If absent, deliveries are recorded only while the inspector is open. `{}` records with the defaults below. */
interface AdminRecordOptions {
  readonly deliveries: number;
  readonly memory: number;
}

/** SQLite outbox */
interface OutboxSqliteOptions {
  readonly type: 'sqlite';
  readonly path: string;
  readonly durability: 'full' | 'normal';
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: number | { readonly age: number; readonly size?: number };
  readonly quarantine: QuarantineOptions;
  readonly deadLetters: DeadLettersOptions;
}

/** PostgreSQL outbox */
interface OutboxPostgresOptions {
  readonly type: 'postgres';
  readonly url: string;
  readonly schema: string;
  readonly partitions: number;
  readonly lease: number;
  readonly member?: string;
  readonly durability: 'full' | 'normal';
  readonly replicas: number;
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: number | { readonly age: number; readonly size?: number };
  readonly quarantine: QuarantineOptions;
  readonly deadLetters: DeadLettersOptions;
  readonly recordings: RecordingsOptions;
}

/** Memory outbox */
interface OutboxMemoryOptions {
  readonly type: 'memory';
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: number | { readonly age: number; readonly size?: number };
  readonly quarantine: QuarantineOptions;
  readonly deadLetters: DeadLettersOptions;
}

/** Bounds of the quarantine. A full quarantine drops its oldest entries; it never rejects a valid event. */
interface QuarantineOptions {
  readonly max: number;
  readonly keep: number;
}

/** Bounds of the deliveries and attempts that members show each other in the inspector and in `tail`. They record only while an inspector or `tail` is open or `admin.record` is set. */
interface RecordingsOptions {
  readonly max: number;
  readonly size: number;
  readonly keep: number;
}

/** Bounds of the dead letters. */
interface DeadLettersOptions {
  readonly max: number;
  readonly keep: number;
}

/** Receives from Segment's webhook destinations. */
interface SourceSegmentOptions {
  readonly type: 'segment';
  readonly path: string;
  readonly verify: unknown;
  readonly untyped?: UntypedOptions;
  readonly dedupeGroup?: string;
  readonly rateLimit?: RateLimitOptions;
  readonly ack: 'queued' | 'delivered';
  readonly cors?: CorsOptions;
  readonly extraTypes: readonly string[];
  readonly require: 'nothing' | 'spec';
  readonly onUnauthenticated: 'reject' | 'quarantine';
  readonly unauthenticatedLimit: number;
}

/** Receives from RudderStack's Webhook and HTTP Webhook destinations, at its path and below it. */
interface SourceRudderstackOptions {
  readonly type: 'rudderstack';
  readonly path: string;
  readonly verify: unknown;
  readonly query: QueryOptions;
  readonly schema?: string;
  readonly untyped?: UntypedOptions;
  readonly dedupeGroup?: string;
  readonly rateLimit?: RateLimitOptions;
  readonly ack: 'queued' | 'delivered';
  readonly cors?: CorsOptions;
  readonly extraTypes: readonly string[];
  readonly require: 'nothing' | 'spec';
  readonly onUnauthenticated: 'reject' | 'quarantine';
  readonly unauthenticatedLimit: number;
}

/** Replaces the HTTP API that the SDKs of Segment and RudderStack send to. */
interface SourceTrackingApiOptions {
  readonly type: 'tracking-api';
  readonly path: string;
  readonly writeKeys: readonly string[] | Readonly<Record<string, string>>;
  readonly dialect: 'segment' | 'rudderstack';
  readonly strict: boolean;
  readonly oauth?: OauthOptions;
  readonly dedupeGroup?: string;
  readonly rateLimit?: RateLimitOptions;
  readonly ack: 'queued' | 'delivered';
  readonly cors?: CorsOptions;
  readonly extraTypes: readonly string[];
  readonly require: 'nothing' | 'spec';
  readonly onUnauthenticated: 'reject' | 'quarantine';
  readonly unauthenticatedLimit: number;
}

/** Issue access tokens at `/token` below `path` for SDKs that use OAuth, and check them. If absent, a Bearer token is ignored. */
interface OauthOptions {
  readonly secret: string;
  readonly previousSecrets: readonly string[];
  readonly clients: readonly OauthClientOptions[];
  readonly audience?: string;
  readonly lifetime: number;
  readonly required: boolean;
}

/** A client and its public key. */
interface OauthClientOptions {
  readonly id: string;
  readonly key: string;
  readonly keyId?: string;
  readonly algorithms: readonly ('RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA')[];
}

/** Replaces RudderStack's webhook source: any request becomes an event. */
interface SourceWebhookSourceOptions {
  readonly type: 'webhook-source';
  readonly path: string;
  readonly writeKeys: readonly string[] | Readonly<Record<string, string>>;
  readonly requestDetails: boolean;
  readonly dedupeGroup?: string;
  readonly rateLimit?: RateLimitOptions;
  readonly ack: 'queued' | 'delivered';
  readonly cors?: CorsOptions;
  readonly extraTypes: readonly string[];
  readonly require: 'nothing' | 'spec';
  readonly onUnauthenticated: 'reject' | 'quarantine';
  readonly unauthenticatedLimit: number;
}

/** How GET and DELETE deliveries, which carry a flattened event in the query, are decoded. */
interface QueryOptions {
  readonly types: 'strings' | 'spec' | 'infer';
  readonly type: string;
  readonly event?: string;
}

/** Wrap objects without a known type into events of this type instead of quarantining them. */
interface UntypedOptions {
  readonly as: string;
  readonly event?: string;
}

/** Answer 429 above this rate. Senders retry. If absent, there is no limit. */
interface RateLimitOptions {
  readonly perSecond: number;
  readonly burst?: number;
}

/** Let browsers send from these origins. If absent, a `tracking-api` or `webhook-source` source allows every origin, and other sources allow none. */
interface CorsOptions {
  readonly origins: readonly string[];
}

/** Passes when a header is the hex HMAC-SHA1 of the raw body or, for an array, of its first element. */
interface VerifySegmentSignatureOptions {
  readonly scheme: 'segment-signature';
  readonly header: string;
  readonly secrets: readonly string[];
  readonly batch: 'first-element' | 'whole-body';
  readonly extras?: readonly JsonObject[];
}

/** Passes when a header equals a secret. */
interface VerifySharedSecretOptions {
  readonly scheme: 'shared-secret';
  readonly header: string;
  readonly secrets: readonly string[];
}

/** Passes when a header equals the HMAC of the raw body. */
interface VerifyHmacOptions {
  readonly scheme: 'hmac';
  readonly header: string;
  readonly secrets: readonly string[];
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly encoding: 'hex' | 'base64';
  readonly prefix: string;
}

/** Passes when `Authorization: Basic` carries a listed user and password. */
interface VerifyBasicOptions {
  readonly scheme: 'basic';
  readonly secrets?: readonly string[];
  readonly users?: readonly string[];
}

/** Passes when the Basic user name, `writeKey` in the body, or `?writeKey=` is a listed write key. */
interface VerifyWriteKeyOptions {
  readonly scheme: 'write-key';
  readonly secrets?: readonly string[];
  readonly writeKeys?: readonly string[];
}

/** How a JSON Web Token is checked. Set either `jwks` or `key`. */
interface JwtOptions {
  readonly jwks?: string;
  readonly key?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly algorithms: readonly ('RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'HS256' | 'HS384' | 'HS512')[];
  readonly typ?: string;
  readonly leeway: number;
  readonly maxTokenAge?: number;
  readonly requireExp: boolean;
  readonly allowPrivateAddresses: boolean;
}

/** Passes when `Authorization: Bearer` carries a valid token. Set either `jwks` or `key`. While the key set cannot be fetched, the answer is 503. */
interface VerifyJwtOptions {
  readonly scheme: 'jwt';
  readonly jwks?: string;
  readonly key?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly algorithms: readonly ('RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'HS256' | 'HS384' | 'HS512')[];
  readonly typ?: string;
  readonly leeway: number;
  readonly maxTokenAge?: number;
  readonly requireExp: boolean;
  readonly allowPrivateAddresses: boolean;
}

/** Admit operators with a valid JSON Web Token, in addition to `token` or instead of it. Set either `jwks` or `key`. */
interface AdminJwtOptions {
  readonly jwks?: string;
  readonly key?: string;
  readonly issuer?: string;
  readonly audience: string;
  readonly algorithms: readonly ('RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'HS256' | 'HS384' | 'HS512')[];
  readonly typ?: string;
  readonly leeway: number;
  readonly maxTokenAge?: number;
  readonly requireExp: boolean;
  readonly allowPrivateAddresses: boolean;
}

/** Always passes: anyone may send. Events are marked as not authenticated. */
interface VerifyNoneOptions {
  readonly scheme: 'none';
}

/** Options that all sinks have. The options of each type are in `sinks/TYPE.schema.json`. */
interface SinkOptions {
  readonly type: string;
  readonly where: WhereOptions;
  readonly transform?: string;
  readonly batch: BatchOptions;
  readonly lanes: number;
  readonly retry: RetryOptions;
  readonly timeout: number;
  readonly format: string;
  readonly maxPending?: number;
  readonly full: 'refuse' | 'drop-oldest' | 'dead-letter';
  readonly start?: string;
}

/** Deliver only events that match every filter given. */
interface WhereOptions {
  readonly sources?: readonly string[];
  readonly types?: readonly string[];
  readonly events?: readonly string[];
  readonly authenticated?: boolean;
  readonly integration?: string;
  readonly percent?: number;
  readonly percentFrom?: number;
  readonly by?: 'userId' | 'anonymousId' | 'groupId' | 'messageId';
}

/** How many events go into one attempt. */
interface BatchOptions {
  readonly size: number;
  readonly wait: number;
  readonly bytes?: number;
}

/** Backoff after a transient failure: a jittered wait that doubles from `initial` to `max`. */
interface RetryOptions {
  readonly initial: number;
  readonly max: number;
  readonly giveUpAfter: number;
}

/** Comparison */
interface ParityOptions {
  readonly left: string;
  readonly right: string;
  readonly correlate?: string;
  readonly window: number;
  readonly settle: number;
  readonly final: number;
  readonly tolerance: number;
  readonly ignore: readonly string[];
  readonly compare: { readonly numbers: 'value' | 'text'; readonly times: 'instant' | 'text'; readonly strings: 'exact' | 'normalized' };
}

/** The options of each part, by its name in `config.schema.json`. */
export interface ConfigParts {
  readonly server: ServerOptions;
  readonly admin: AdminOptions;
  readonly telemetry: TelemetryOptions;
  readonly traces: TracesOptions;
  readonly tls: TlsOptions;
  readonly adminRecord: AdminRecordOptions;
  readonly 'outbox-sqlite': OutboxSqliteOptions;
  readonly 'outbox-postgres': OutboxPostgresOptions;
  readonly 'outbox-memory': OutboxMemoryOptions;
  readonly quarantine: QuarantineOptions;
  readonly recordings: RecordingsOptions;
  readonly deadLetters: DeadLettersOptions;
  readonly 'source-segment': SourceSegmentOptions;
  readonly 'source-rudderstack': SourceRudderstackOptions;
  readonly 'source-tracking-api': SourceTrackingApiOptions;
  readonly oauth: OauthOptions;
  readonly oauthClient: OauthClientOptions;
  readonly 'source-webhook-source': SourceWebhookSourceOptions;
  readonly query: QueryOptions;
  readonly untyped: UntypedOptions;
  readonly rateLimit: RateLimitOptions;
  readonly cors: CorsOptions;
  readonly 'verify-segment-signature': VerifySegmentSignatureOptions;
  readonly 'verify-shared-secret': VerifySharedSecretOptions;
  readonly 'verify-hmac': VerifyHmacOptions;
  readonly 'verify-basic': VerifyBasicOptions;
  readonly 'verify-write-key': VerifyWriteKeyOptions;
  readonly jwt: JwtOptions;
  readonly 'verify-jwt': VerifyJwtOptions;
  readonly adminJwt: AdminJwtOptions;
  readonly 'verify-none': VerifyNoneOptions;
  readonly sink: SinkOptions;
  readonly where: WhereOptions;
  readonly batch: BatchOptions;
  readonly retry: RetryOptions;
  readonly parity: ParityOptions;
}
