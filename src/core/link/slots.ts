/**
 * Values under small numbers that are free again once a value is taken. Not a Map: a Map that is constantly filled and
 * emptied leaves a chain of its former tables behind, and once one of them reaches the old generation, the garbage
 * collector keeps everything that was ever in one.
 */
export class Slots<Value> {
  readonly #values: (Value | undefined)[] = [];
  readonly #free: number[] = [];

  /** The number of values held. */
  get size(): number {
    return this.#values.length - this.#free.length;
  }

  add(value: Value): number {
    const id = this.#free.pop() ?? this.#values.length;
    this.#values[id] = value;
    return id;
  }

  get(id: number): Value | undefined {
    return this.#values[id];
  }

  take(id: number): Value | undefined {
    const value = this.#values[id];
    if (value === undefined) return undefined;
    this.#values[id] = undefined;
    this.#free.push(id);
    return value;
  }

  /** Takes every value. */
  takeAll(): Value[] {
    const values = this.#values.filter((value) => value !== undefined);
    this.#values.length = 0;
    this.#free.length = 0;
    return values;
  }
}
