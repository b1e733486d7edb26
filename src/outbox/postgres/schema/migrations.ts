/** The number of tables of known ids, which take turns: see `Generations`. */
export const SEEN_TABLES = 6;

/** The positions of the first segments of `event`. Later ones have the size that their age and rate suggest. */
export const FIRST_SEGMENT = 200_000;

/** The version of a store whose content was moved to another one. No program knows it, so that none starts on it. */
export const MOVED = 1_000_000;

/** One step from a schema version to the next. `schema` is a quoted identifier. */
export type Migration = (schema: string) => string;

const version1: Migration = (schema) => `
CREATE TABLE ${schema}.store (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  id text NOT NULL,
  version integer NOT NULL,
  -- The oldest program that may work beside this version, by its own newest version.
  compatible integer NOT NULL,
  partitions integer NOT NULL,
  -- Which of the tables seen_N takes new ids, and since when.
  generation integer NOT NULL DEFAULT 0,
  generation_since timestamptz NOT NULL DEFAULT now(),
  swept_at timestamptz NOT NULL DEFAULT now()
);

-- A process that uses the store. It is alive until expires_at, by the clock of this server.
CREATE TABLE ${schema}.member (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  role text NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  beat_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  settings text NOT NULL
) WITH (fillfactor = 50);

-- Counters, in rows that only one writer of one member changes, so that none waits for another. They are added when read.
CREATE TABLE ${schema}.tally (
  writer uuid PRIMARY KEY, member uuid NOT NULL,
  accepted bigint NOT NULL, duplicates bigint NOT NULL, quarantined bigint NOT NULL
) WITH (fillfactor = 50);
CREATE TABLE ${schema}.sink_tally (
  writer uuid NOT NULL, member uuid NOT NULL, sink integer NOT NULL,
  delivered bigint NOT NULL, filtered bigint NOT NULL, discarded bigint NOT NULL, died bigint NOT NULL,
  missed bigint NOT NULL, requeued bigint NOT NULL, letters bigint NOT NULL,
  PRIMARY KEY (writer, sink)
) WITH (fillfactor = 50);
CREATE TABLE ${schema}.quarantine_tally (
  writer uuid NOT NULL, member uuid NOT NULL, source text NOT NULL,
  entries bigint NOT NULL, weight bigint NOT NULL,
  PRIMARY KEY (writer, source)
);

CREATE TABLE ${schema}.sink (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  active boolean NOT NULL,
  paused boolean NOT NULL DEFAULT false,
  max_pending bigint NOT NULL,
  full_policy text NOT NULL,
  -- How many events had been accepted when the sink was new.
  baseline bigint NOT NULL
);

-- An owner works on a partition of a sink. Everything up to (xid, position) is settled, and above it what is listed;
-- everything up to void is not pending. epoch grows with each owner, turn with each change by it.
CREATE TABLE ${schema}.lane (
  sink integer NOT NULL,
  partition smallint NOT NULL,
  owner uuid,
  epoch bigint NOT NULL DEFAULT 0,
  turn bigint NOT NULL DEFAULT 0,
  xid xid8 NOT NULL,
  position bigint NOT NULL,
  settled bigint[] NOT NULL DEFAULT '{}',
  void bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (sink, partition)
) WITH (fillfactor = 50);

CREATE TABLE ${schema}.attempt (
  sink integer NOT NULL, partition smallint NOT NULL, position bigint NOT NULL, number integer NOT NULL,
  at bigint NOT NULL, error text NOT NULL, far_side text, crashed boolean,
  PRIMARY KEY (sink, position, number)
);

CREATE SEQUENCE ${schema}.position;

-- Positions are not the order of commits: who reads by position alone never reads what commits late. So readers follow
-- (xid, position), below the oldest running transaction. Segments are dropped whole when every lane has passed them.
CREATE TABLE ${schema}.event (
  position bigint NOT NULL,
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  partition smallint NOT NULL,
  only_sink integer,
  received_at bigint NOT NULL,
  order_key text NOT NULL,
  json text NOT NULL,
  PRIMARY KEY (position)
) PARTITION BY RANGE (position);
CREATE INDEX event_order ON ${schema}.event (partition, xid, position);
-- last_xid: of the newest event in it, known once no transaction can add one.
CREATE TABLE ${schema}.segment (
  number integer PRIMARY KEY, first bigint NOT NULL, after bigint NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  passed_at timestamptz, last_xid xid8
);
CREATE TABLE ${schema}.event_1 PARTITION OF ${schema}.event FOR VALUES FROM (1) TO (${FIRST_SEGMENT + 1});
CREATE TABLE ${schema}.event_2 PARTITION OF ${schema}.event FOR VALUES FROM (${FIRST_SEGMENT + 1}) TO (${2 * FIRST_SEGMENT + 1});
INSERT INTO ${schema}.segment (number, first, after) VALUES
  (1, 1, ${FIRST_SEGMENT + 1}), (2, ${FIRST_SEGMENT + 1}, ${2 * FIRST_SEGMENT + 1});

${Array.from({ length: SEEN_TABLES }, (_, at) => `CREATE TABLE ${schema}.seen_${at} (key uuid PRIMARY KEY, at bigint NOT NULL, authenticated boolean NOT NULL);`).join('\n')}

CREATE TABLE ${schema}.dead_letter (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sink integer NOT NULL, at bigint NOT NULL, order_key text NOT NULL, attempts text NOT NULL, json text NOT NULL
);
CREATE INDEX dead_letter_sink ON ${schema}.dead_letter (sink, id);
CREATE INDEX dead_letter_at ON ${schema}.dead_letter (at);

CREATE TABLE ${schema}.quarantine (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL, delivery_id text NOT NULL, received_at bigint NOT NULL, reason text NOT NULL,
  errors text NOT NULL, delivery text NOT NULL, raw text NOT NULL
);
CREATE INDEX quarantine_source ON ${schema}.quarantine (source, id);
CREATE INDEX quarantine_received_at ON ${schema}.quarantine (received_at);
`;

// The option `start` that a sink had when it last began, or when a change of it was noticed.
const version2: Migration = (schema) => `
ALTER TABLE ${schema}.sink ADD COLUMN start text NOT NULL DEFAULT '';
`;

/**
 * What members tell each other for the inspector. Without a log: it need not survive a crash of the server, and no
 * standby waits for it.
 */
const version3: Migration = (schema) => `
CREATE UNLOGGED TABLE ${schema}.recording (
  writer uuid NOT NULL, number bigint NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp(),
  bytes integer NOT NULL, entry text NOT NULL,
  PRIMARY KEY (writer, number)
);
CREATE UNLOGGED TABLE ${schema}.watcher (writer uuid PRIMARY KEY, until timestamptz NOT NULL);
`;

/** The schema's history. A store's version is the number of these that were applied. Only ever append. */
export const MIGRATIONS: readonly Migration[] = [version1, version2, version3];

/**
 * The oldest program that may work on a store with all migrations, by the number of migrations that it knows. Raise it
 * only with a migration that an older program would harm or fail on: members of both versions run during an upgrade.
 */
export const COMPATIBLE = 1;
