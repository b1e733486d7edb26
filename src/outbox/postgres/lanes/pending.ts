/**
 * The condition under which event `e` is pending in lane record `l` of its partition. A lane record holds what is
 * settled, so what is pending needs no list.
 */
export const IS_PENDING = `e.partition = l.partition AND (e.xid, e.position) > (l.xid, l.position) AND e.position > l.void
  AND NOT e.position = ANY(l.settled) AND (e.only_sink IS NULL OR e.only_sink = l.sink)`;
