/** What a process does with a store that several share: it accepts events, delivers them, or both. */
export type Role = 'receive' | 'dispatch' | 'all';
