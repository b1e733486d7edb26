/** A replay as the admin API shows it. */
export interface ShownReplay {
  readonly state: 'running' | 'paused' | 'done' | 'canceled';
  readonly requeued: number;
  readonly pending: number;
  readonly looked: number;
  readonly left: number;
  readonly garbled: number;
}
