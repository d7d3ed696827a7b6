/**
 * Where the axes of a value come from, so that a Reshape or a Transpose can be shown to change nothing but the order of
 * time and batch.
 *
 * An axis is a product of atoms, the slowest first; an atom is a part of one of the model's own axes: the input's, told
 * by their places, the features, or the batch of a state. [T, B, F] flattened to [T·B, F] is [[T, B], [F]]; an axis of
 * one element has no atoms at all. Regrouping keeps the order of elements, so it keeps the list of atoms, some of them
 * split; a transposition changes the order of groups.
 */
export interface Atom {
  axis: number;
  /** undefined where only the running model knows it */
  size: number | undefined;
  /** how far apart in its own axis two neighbours along this atom are */
  stride: number;
}

export type Axis = readonly Atom[];

/** Values of a layer at one step of one stream. */
export const features = -1;
/** Streams, of a state. */
export const streams = -2;

/** Size of an axis: a number times sizes that only the running model knows, by their axes. */
export interface Extent {
  count: number;
  unknown: readonly number[];
}

export function axisOf(axis: number, size: number | undefined): Axis {
  return size === 1 ? [] : [{ axis, size, stride: 1 }];
}

export function extentOf(axis: Axis): Extent {
  const count = axis.reduce((product, { size }) => product * (size ?? 1), 1);
  return { count, unknown: sorted(axis.filter(({ size }) => size === undefined).map((atom) => atom.axis)) };
}

export function multiply(a: Extent, b: Extent): Extent {
  return { count: a.count * b.count, unknown: sorted([...a.unknown, ...b.unknown]) };
}

function sorted(list: number[]): number[] {
  return list.sort((a, b) => a - b);
}

/** a / b; undefined where it is no whole number for every size. */
function divide(a: Extent, b: Extent): Extent | undefined {
  if (b.count === 0 || a.count % b.count !== 0) return undefined;
  const unknown = [...a.unknown];
  for (const axis of b.unknown) {
    const at = unknown.indexOf(axis);
    if (at < 0) return undefined;
    unknown.splice(at, 1);
  }
  return { count: a.count / b.count, unknown };
}

/** The atoms with those that lie side by side in one axis joined. */
export function joined(axis: Axis): Axis {
  const result: Atom[] = [];
  for (const atom of axis) {
    const last = result.at(-1);
    if (last?.axis === atom.axis && atom.size !== undefined && last.stride === atom.stride * atom.size) {
      result[result.length - 1] = { axis: atom.axis, size: last.size! * atom.size, stride: atom.stride };
    } else result.push(atom);
  }
  return result;
}

/**
 * The axes after a Reshape; undefined where the new ones are not made of whole parts of the old ones.
 * @param to sizes; a count of −1 is what is left, one of 0 the size of the old axis in its place
 */
export function regroup(
  axes: readonly Axis[],
  to: readonly Extent[],
  zeroIsSize = false,
): Axis[] | undefined {
  const flat = [...joined(axes.flat())];
  const targets: (Extent | undefined)[] = to.map((extent, place) => {
    if (extent.unknown.length > 0) return extent;
    if (extent.count === -1) return undefined;
    if (extent.count !== 0 || zeroIsSize) return extent;
    return extentOf(axes[place] ?? []);
  });
  const open = targets.indexOf(undefined);
  if (open >= 0) {
    const known = targets.reduce<Extent>((product, t) => (t ? multiply(product, t) : product), {
      count: 1,
      unknown: [],
    });
    const rest = divide(extentOf(flat), known);
    if (rest === undefined || targets.indexOf(undefined, open + 1) >= 0) return undefined;
    targets[open] = rest;
  }
  let next = 0;
  const result: Axis[] = [];
  for (const target of targets as Extent[]) {
    const group: Atom[] = [];
    let count = target.count;
    const unknown = [...target.unknown];
    while (count !== 1 || unknown.length > 0) {
      const atom = flat[next];
      if (atom === undefined) return undefined;
      const { axis, size, stride } = atom;
      if (size === undefined) {
        const at = unknown.indexOf(axis);
        if (at < 0) return undefined;
        unknown.splice(at, 1);
        group.push(atom);
        next++;
      } else if (count % size === 0) {
        group.push(atom);
        count /= size;
        next++;
      } else if (count > 1 && size % count === 0) {
        const inner = size / count;
        group.push({ axis, size: count, stride: stride * inner });
        flat[next] = { axis, size: inner, stride };
        count = 1;
      } else return undefined;
    }
    result.push(group);
  }
  return next === flat.length ? result : undefined;
}
