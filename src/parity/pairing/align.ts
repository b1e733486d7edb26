/** A larger group is aligned in parts of this size, so that the time stays bounded. */
const LARGEST = 64;

/**
 * Pairs two sorted lists in order: as many pairs as possible within the window, and among those the least total
 * distance. A constant offset between the lists hardly disturbs it.
 */
export function align<T>(
  lefts: readonly T[],
  rights: readonly T[],
  window: number,
  timeOf: (each: T) => number,
): (readonly [T, T])[] {
  const found: (readonly [T, T])[] = [];
  for (let from = 0; from < Math.max(lefts.length, rights.length); from += LARGEST) {
    const part = (side: readonly T[]): readonly T[] => side.slice(from, from + LARGEST);
    found.push(...alignPart(part(lefts), part(rights), window, timeOf));
  }
  return found;
}

interface Cell {
  readonly pairs: number;
  readonly distance: number;
  readonly step: 'pair' | 'left' | 'right' | 'start';
}

function alignPart<T>(
  lefts: readonly T[],
  rights: readonly T[],
  window: number,
  timeOf: (each: T) => number,
): (readonly [T, T])[] {
  const width = rights.length + 1;
  const cells: Cell[] = [];
  const cell = (row: number, column: number): Cell | undefined => cells[row * width + column];
  for (let row = 0; row <= lefts.length; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const options: Cell[] = [];
      const add = (from: Cell | undefined, step: Cell['step'], distance?: number): void => {
        if (from === undefined) return;
        const pairs = from.pairs + (distance === undefined ? 0 : 1);
        options.push({ pairs, distance: from.distance + (distance ?? 0), step });
      };
      const [left, right] = [lefts[row - 1], rights[column - 1]];
      if (left !== undefined && right !== undefined) {
        const distance = Math.abs(timeOf(left) - timeOf(right));
        if (distance <= window) add(cell(row - 1, column - 1), 'pair', distance);
      }
      if (row > 0) add(cell(row - 1, column), 'left');
      if (column > 0) add(cell(row, column - 1), 'right');
      cells.push(options.reduce(better, { pairs: -1, distance: 0, step: 'start' }));
      if (row === 0 && column === 0) cells[0] = { pairs: 0, distance: 0, step: 'start' };
    }
  }
  const found: (readonly [T, T])[] = [];
  let [row, column] = [lefts.length, rights.length];
  for (let at = cell(row, column); at !== undefined && at.step !== 'start'; ) {
    const [left, right] = [lefts[row - 1], rights[column - 1]];
    if (at.step === 'pair' && left !== undefined && right !== undefined) found.push([left, right]);
    if (at.step !== 'right') row -= 1;
    if (at.step !== 'left') column -= 1;
    at = cell(row, column);
  }
  return found.reverse();
}

function better(a: Cell, b: Cell): Cell {
  return b.pairs > a.pairs || (b.pairs === a.pairs && b.distance < a.distance) ? b : a;
}
