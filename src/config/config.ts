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
  readonly trustProxy: boolean;
}

export interface AdminConfig {
  readonly host: string;
  readonly port: number;
  readonly token?: string;
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
  readonly type: 'segment' | 'rudderstack';
  readonly path: string;
  /** One scheme is a list of one; all of a list must hold. */
  readonly verify: readonly VerifyConfig[];
  /** Only `rudderstack`. */
  readonly query: QueryConfig;
  /** Only `rudderstack`: a JSON Schema file of the properties that arrive, for `query.types: spec`. */
  readonly schema?: string;
  readonly untyped?: { readonly as: string; readonly event?: string };
  readonly dedupeGroup?: string;
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  readonly ack: 'queued' | 'delivered';
  readonly cors?: CorsConfig;
  readonly extraTypes: readonly string[];
  readonly onUnauthenticated: 'reject' | 'quarantine';
}

export interface QueryConfig {
  readonly types: 'strings' | 'spec' | 'infer';
  readonly type: string;
  readonly event?: string;
}

export interface CorsConfig {
  /** Origins as browsers send them, or `*`. */
  readonly origins: readonly string[];
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
  | {
      readonly scheme: 'jwt';
      /** URL of a JWKS; or `key`, a PEM public key, a JWK as JSON text, or a secret for HS algorithms. */
      readonly jwks?: string;
      readonly key?: string;
      readonly issuer?: string;
      readonly audience?: string;
      readonly algorithms: readonly string[];
    }
  | { readonly scheme: 'none' };

export interface SinkConfig {
  readonly type: string;
  readonly where: WhereConfig;
  /** Path of an ES module exporting `transform(event)`. */
  readonly transform?: string;
  readonly batch: { readonly size: number; readonly wait: number };
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
}
