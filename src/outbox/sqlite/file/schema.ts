/** Marks the file as ours ("TBox"), so that another program's database is never mistaken for an outbox. */
export const APPLICATION_ID = 0x54426f78;

/** The version of a store whose content was moved to another one. No program knows it, so that none starts on it. */
export const MOVED = 1_000_000;

/** One step from a schema version to the next, as SQL. The first makes an empty file version 1. */
export type Migration = string;

const VERSION_1 = `
-- position is given out by the ledger, which never forgets the last one: if it started again when the table has drained,
-- a consumer's cursor would point nowhere. AUTOINCREMENT says the same, at one more page and a look-up an event.
-- order_key has no text affinity: a key that holds NUL is kept as a blob, since the binding cuts text there.
CREATE TABLE event (
  position INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  only_sink INTEGER,
  order_key ANY NOT NULL,
  json TEXT NOT NULL
) STRICT;

-- Two generations of known messageIds, which take turns: expiry is emptying a table, not deleting row by row. memory is
-- when it was accepted (six bytes, milliseconds, big-endian) and whether authenticated (one byte).
CREATE TABLE seen_0 (key BLOB PRIMARY KEY, memory BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE seen_1 (key BLOB PRIMARY KEY, memory BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- What is not in those tables yet, a row a transaction: keys of 16 bytes, each with its memory, one behind the other.
CREATE TABLE seen_log (id INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;

-- position: everything up to it is settled. What is settled above it is listed in the next table.
CREATE TABLE sink (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  active INTEGER NOT NULL,
  position INTEGER NOT NULL,
  pending INTEGER NOT NULL,
  delivered INTEGER NOT NULL,
  dead INTEGER NOT NULL
) STRICT;
CREATE TABLE settled (
  sink INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (sink, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (
  sink INTEGER NOT NULL,
  position INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (sink, position, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  sink INTEGER NOT NULL,
  at INTEGER NOT NULL,
  order_key ANY NOT NULL,
  attempts TEXT NOT NULL,
  json TEXT NOT NULL
) STRICT;
CREATE INDEX dead_letter_sink ON dead_letter (sink, id);

CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  errors TEXT NOT NULL,
  delivery TEXT NOT NULL,
  raw TEXT NOT NULL
) STRICT;
CREATE INDEX quarantine_source ON quarantine (source, id);

-- One row of counters, kept in the transactions they count: count(*) takes a second at a million rows.
CREATE TABLE ledger (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  tail INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  quarantined INTEGER NOT NULL,
  in_quarantine INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  generation_since INTEGER NOT NULL,
  probed_at INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 0, 0, 0, 0, 0, 0, 0, 0);
`;

// The sum of unauthenticatedWeight over these entries: a limit on a counter needs no scan of the rows.
const VERSION_2 = `
CREATE TABLE unauthenticated (source TEXT PRIMARY KEY, weight INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO unauthenticated
  SELECT source, sum(max(1, (length(CAST(raw AS BLOB)) + length(CAST(delivery AS BLOB)) + 16383) / 16384))
  FROM quarantine WHERE reason = 'unauthenticated' GROUP BY source;
`;

const VERSION_3 = `
-- Which store this is. In the row that every transaction with events writes, so that it is in the -wal, too: SQLite takes
-- the -wal of another database for its own.
ALTER TABLE ledger ADD COLUMN store TEXT NOT NULL DEFAULT '';
UPDATE ledger SET store = lower(hex(randomblob(8)));
`;

// CRC-32 of the content of each entry (see sumOf): SQLite considers a page sound even if a payload in it was
// overwritten. Absent in older rows.
const VERSION_4 = `
ALTER TABLE event ADD COLUMN sum INTEGER;
ALTER TABLE dead_letter ADD COLUMN sum INTEGER;
ALTER TABLE quarantine ADD COLUMN sum INTEGER;
`;

// The far side's answer is stored apart from the error, which lists and logs show. Attempts of earlier versions have
// both in one text. json_each() returns each element as text.
const VERSION_5 = `
ALTER TABLE attempt ADD COLUMN far_side TEXT;
UPDATE attempt SET far_side = substr(error, instr(error, ', saying: ') + 10),
  error = substr(error, 1, instr(error, ', saying: ') - 1) WHERE instr(error, ', saying: ') > 0;
UPDATE dead_letter SET attempts = (
  SELECT json_group_array(json(CASE instr(value ->> 'error', ', saying: ') WHEN 0 THEN value ELSE json_object(
    'at', value ->> 'at',
    'error', substr(value ->> 'error', 1, instr(value ->> 'error', ', saying: ') - 1),
    'farSide', substr(value ->> 'error', instr(value ->> 'error', ', saying: ') + 10)) END))
  FROM json_each(attempts)) WHERE instr(attempts, ', saying: ') > 0;
`;

const VERSION_6 = `
-- Of a sink: events that its filter or transform left out; that its limit or an operator discarded; that passed the retention
-- while it was not configured; and whether an operator has paused it.
ALTER TABLE sink ADD COLUMN filtered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sink ADD COLUMN discarded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sink ADD COLUMN missed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sink ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
-- For the bounds by age, and for the bound by count, which the source with the most entries pays.
CREATE INDEX dead_letter_at ON dead_letter (at);
CREATE INDEX quarantine_received_at ON quarantine (received_at);
ALTER TABLE unauthenticated RENAME TO quarantine_count;
ALTER TABLE quarantine_count ADD COLUMN entries INTEGER NOT NULL DEFAULT 0;
INSERT INTO quarantine_count (source, weight, entries)
  SELECT source, 0, count(*) FROM quarantine WHERE true GROUP BY source
  ON CONFLICT (source) DO UPDATE SET entries = excluded.entries;
`;

// Whether the attempt ended the process of the operator's own code: such events get few attempts.
const VERSION_7 = `
ALTER TABLE attempt ADD COLUMN crashed INTEGER;
`;

// The option `start` that a sink had when it last began, or when a change of it was noticed.
const VERSION_8 = `
ALTER TABLE sink ADD COLUMN start TEXT NOT NULL DEFAULT '';
`;

const VERSION_9 = `
-- The last replay of each sink: what is left of it are the events after cursor up to last.
CREATE TABLE replay (
  sink INTEGER PRIMARY KEY,
  filter TEXT NOT NULL,
  state TEXT NOT NULL,
  cursor INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  requeued INTEGER NOT NULL,
  garbled INTEGER NOT NULL,
  started_at INTEGER NOT NULL
) STRICT;
-- Requeued events, which a replay counts.
CREATE INDEX event_requeued ON event (position) WHERE only_sink IS NOT NULL;
`;

/** The schema's history. `user_version` of a file is the number of these that were applied. Only ever append. */
export const MIGRATIONS: readonly Migration[] = [
  VERSION_1,
  VERSION_2,
  VERSION_3,
  VERSION_4,
  VERSION_5,
  VERSION_6,
  VERSION_7,
  VERSION_8,
  VERSION_9,
];
