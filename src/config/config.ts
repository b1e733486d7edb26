/**
 * The configuration after defaults, environment references and units are resolved: durations are milliseconds, sizes are
 * bytes. Frozen; nobody else reads the environment or the file. The README and
 * `schemas/config.schema.json` describe the same from the user's side.
 */
export interface Config {
  readonly server: ServerConfig;
  /** Absent: no admin listener. */
  readonly admin?: AdminConfig;
  readonly outbox: OutboxConfig;
  readonly sources: Readonly<Record<string, SourceConfig>>;
  readonly sinks: Readonly<Record<string, SinkConfig>>;
}

export interface ServerConfig {
  readonly host: string;
  readonly port: number;
  readonly budget: number;
  readonly bodyLimit: number;
  readonly queryLimit: number;
  /** Deliveries under way at once. */
  readonly maxConcurrent: number;
  /** Bytes that their bodies hold together. */
  readonly maxBodyBytes: number;
  readonly trustProxy: boolean;
}

export interface AdminConfig {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
  /** Beside the token or instead of it; either suffices. */
  readonly jwt?: JwtOptions;
  /** The last deliveries are kept in memory for the inspector, so many and so many bytes; absent: they are not. */
  readonly record?: { readonly deliveries: number; readonly memory: number };
  /** Dotted paths into events and bodies whose values are never shown. */
  readonly redact?: readonly string[];
}

type Durability = 'full' | 'normal';

export interface OutboxConfig {
  readonly type: 'sqlite' | 'memory';
  /** The database file; '' for `memory`. */
  readonly path: string;
  readonly durability: Durability;
  readonly dedupeWindow: number;
  readonly maxPending: number;
  readonly retention: number;
}

export interface SourceConfig {
  readonly type: 'segment' | 'rudderstack' | 'tracking-api' | 'webhook-source';
  readonly path: string;
  /** One scheme is a list of one; all of a list must hold. Empty where `writeKeys` take its place. */
  readonly verify: readonly VerifyConfig[];
  /** Only `rudderstack`. */
  readonly query: QueryConfig;
  /** Only `rudderstack`: a JSON Schema file of the properties that arrive, for `query.types: spec`. */
  readonly schema?: string;
  /** Only `tracking-api` and `webhook-source`. */
  readonly writeKeys?: readonly WriteKey[];
  /** Only `tracking-api`: whose rules and answers. */
  readonly dialect?: 'segment' | 'rudderstack';
  /** Only `tracking-api`: refuses what Segment answers 200 and drops. */
  readonly strict?: boolean;
  /** Only `tracking-api`. */
  readonly oauth?: OAuthConfig;
  /** Only `webhook-source`: puts the request into the event's `context`. */
  readonly requestDetails?: boolean;
  readonly untyped?: { readonly as: string; readonly event?: string };
  readonly dedupeGroup?: string;
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  readonly ack: 'queued' | 'delivered';
  readonly cors?: CorsConfig;
  readonly extraTypes: readonly string[];
  readonly onUnauthenticated: 'reject' | 'quarantine';
  /** Entries in quarantine at once, for `quarantine`. */
  readonly unauthenticatedLimit: number;
}

/** A write key, and the source that its events count for: the one that takes them, unless it names another. */
export interface WriteKey {
  readonly key: string;
  readonly source?: string;
}

/** OAuth 2 client credentials with a signed assertion (RFC 7523), as Segment's libraries use them. */
export interface OAuthConfig {
  /** Access tokens are signed with it, so that every machine that has it knows them. */
  readonly secret: string;
  /** Tokens signed with one of these still hold. */
  readonly previousSecrets: readonly string[];
  /** One client may be listed several times, with a key each. */
  readonly clients: readonly OAuthClient[];
  /** What an assertion's `aud` must hold; absent: an address of this source under the request's own host. */
  readonly audience?: string;
  /** Of an access token, milliseconds. */
  readonly lifetime: number;
  /** Whether a delivery needs an access token beside its write key. */
  readonly required: boolean;
}

export interface OAuthClient {
  readonly id: string;
  /** PEM or JWK of a public key. */
  readonly key: string;
  /** Absent: the key may be called anything. */
  readonly keyId?: string;
  readonly algorithms: readonly string[];
}

export interface QueryConfig {
  readonly types: 'strings' | 'spec' | 'infer';
  readonly type: string;
  readonly event?: string;
}

export interface CorsConfig {
  /** Origins as browsers send them, or `*`. */
  readonly origins: readonly string[];
  /** Lets pages send cookies along, as both vendors' APIs do: `sendBeacon` always does. */
  readonly credentials?: boolean;
}

/** How a JSON Web Token is checked: of a source's deliveries, or of requests to the admin listener. */
export interface JwtOptions {
  /** URL of a JWKS; or `key`, a PEM public key, a JWK as JSON text, or a secret for HS algorithms. */
  readonly jwks?: string;
  readonly key?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly algorithms: readonly string[];
  /** Whether the host name in `jwks` may resolve into the operator's own network. */
  readonly allowPrivateAddresses?: boolean;
}

export type VerifyConfig =
  | {
      readonly scheme: 'segment-signature';
      readonly header: string;
      readonly secrets: readonly string[];
      readonly batch: 'first-element' | 'whole-body';
    }
  | {
      readonly scheme: 'shared-secret';
      readonly header: string;
      readonly secrets: readonly string[];
    }
  | {
      readonly scheme: 'hmac';
      readonly header: string;
      readonly secrets: readonly string[];
      readonly algorithm: 'sha1' | 'sha256' | 'sha512';
      readonly encoding: 'hex' | 'base64';
      readonly prefix: string;
    }
  /** `user:password` each. */
  | { readonly scheme: 'basic'; readonly secrets: readonly string[] }
  | { readonly scheme: 'write-key'; readonly secrets: readonly string[] }
  | ({ readonly scheme: 'jwt' } & JwtOptions)
  | { readonly scheme: 'none' };

export interface SinkConfig {
  readonly type: string;
  readonly where: WhereConfig;
  /** Path of an ES module exporting `transform(event)`. */
  readonly transform?: string;
  readonly batch: {
    readonly size: number;
    readonly wait: number;
    /** Characters of JSON from which on a batch is full, whatever its size; the sink type says, where it matters to it. */
    readonly bytes?: number;
  };
  readonly lanes: number;
  readonly retry: { readonly initial: number; readonly max: number; readonly giveUpAfter: number };
  /** One attempt at one batch, milliseconds. */
  readonly timeout: number;
  readonly format: 'canonical' | 'cloudevents';
  /** What the sink's own schema describes, with its defaults filled in. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** An event goes to the sink where every given filter lets it pass. */
export interface WhereConfig {
  readonly sources?: readonly string[];
  readonly types?: readonly string[];
  /** Globs over the event's name: `*` any characters, `?` one. */
  readonly events?: readonly string[];
  readonly authenticated?: boolean;
  /** Only events of users whose place among all is from `percentFrom` (0) to below `percent` (100). */
  readonly percent?: number;
  readonly percentFrom?: number;
  /** Which id gives that place; `userId` unless it says otherwise. */
  readonly by?: 'userId' | 'anonymousId' | 'groupId' | 'messageId';
}
