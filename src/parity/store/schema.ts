/**
 * The store of one comparison. Arrivals are written before the delivery is answered. Everything else is written in one
 * transaction with the removal of the arrivals that it results from, so that a killed process continues where it was.
 *
 * `state` of an open entry: 1 unpaired, 2 missing, 3 unpaired during an outage or a gap: never missing.
 */
export const SCHEMA = `
CREATE TABLE IF NOT EXISTS arrival (id INTEGER PRIMARY KEY, side INTEGER, at INTEGER, json TEXT);
CREATE TABLE IF NOT EXISTS open (
  id INTEGER PRIMARY KEY, side INTEGER, at INTEGER, state INTEGER, checked INTEGER,
  message INTEGER, correlation INTEGER, base INTEGER, data INTEGER, content INTEGER,
  full INTEGER, loose INTEGER, anonymous INTEGER, call INTEGER, json TEXT
);
CREATE INDEX IF NOT EXISTS open_message ON open (message) WHERE message IS NOT NULL;
CREATE INDEX IF NOT EXISTS open_correlation ON open (correlation) WHERE correlation IS NOT NULL;
CREATE INDEX IF NOT EXISTS open_full ON open (full);
CREATE INDEX IF NOT EXISTS open_loose ON open (loose);
CREATE INDEX IF NOT EXISTS open_content ON open (content);
CREATE INDEX IF NOT EXISTS open_base ON open (base, call);
CREATE INDEX IF NOT EXISTS open_anonymous ON open (anonymous) WHERE anonymous IS NOT NULL;
CREATE INDEX IF NOT EXISTS open_state ON open (state, side, at);
CREATE TABLE IF NOT EXISTS seen_0 (side INTEGER, id INTEGER, PRIMARY KEY (side, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen_1 (side INTEGER, id INTEGER, PRIMARY KEY (side, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alive (
  side INTEGER, second INTEGER, last INTEGER, events INTEGER, PRIMARY KEY (side, second)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (
  bucket INTEGER, type TEXT, event TEXT, what TEXT, events INTEGER,
  PRIMARY KEY (bucket, type, event, what)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lag (
  bucket INTEGER, step INTEGER, pairs INTEGER, PRIMARY KEY (bucket, step)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS difference (
  bucket INTEGER, path TEXT, kind TEXT, cause TEXT, events INTEGER,
  PRIMARY KEY (bucket, path, kind, cause)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sample (
  id INTEGER PRIMARY KEY, path TEXT, kind TEXT, at INTEGER, grade TEXT, left TEXT, right TEXT
);
CREATE INDEX IF NOT EXISTS sample_path ON sample (path, kind);
CREATE TABLE IF NOT EXISTS anonymous (
  id INTEGER PRIMARY KEY, partner TEXT, votes INTEGER, rival TEXT, rivals INTEGER, at INTEGER
);
CREATE INDEX IF NOT EXISTS anonymous_partner ON anonymous (partner);
CREATE TABLE IF NOT EXISTS span (kind TEXT, side INTEGER, start INTEGER, stop INTEGER, events INTEGER);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
`;
