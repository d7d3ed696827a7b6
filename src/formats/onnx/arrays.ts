type Values = Float32Array | Int32Array;

/** Axis moves of dense arrays in row-major order. Whoever calls has checked the places and the ranges. */

export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/** The elements of `dims` with their axes in the order `perm`. */
export function transposeArray(data: Values, dims: readonly number[], perm: readonly number[]): Values {
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
  const result = data.slice();
  const sizes = perm.map((axis) => dims[axis]!);
  const steps = perm.map((axis) => strides[axis]!);
  const place = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to++) {
    result[to] = data[from]!;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      if (++place[axis]! < sizes[axis]!) break;
      from -= steps[axis]! * sizes[axis]!;
      place[axis] = 0;
    }
  }
  return result;
}

/** Elements [from, to) along one axis. */
export function sliceArray(
  data: Values,
  dims: readonly number[],
  axis: number,
  from: number,
  to: number,
): Values {
  const inner = sizeOf(dims.slice(axis + 1));
  const row = dims[axis]! * inner;
  const width = (to - from) * inner;
  const result = new (data.constructor as new (size: number) => Values)(sizeOf(dims.slice(0, axis)) * width);
  for (let at = 0, start = from * inner; at < result.length; at += width, start += row)
    result.set(data.subarray(start, start + width), at);
  return result;
}

/** Arrays one after the other along one axis. */
export function concatArrays(
  parts: readonly { data: Values; dims: readonly number[] }[],
  axis: number,
): Values {
  const { data, dims } = parts[0]!;
  const widths = parts.map((part) => sizeOf(part.dims.slice(axis)));
  const width = widths.reduce((sum, size) => sum + size, 0);
  const rows = sizeOf(dims.slice(0, axis));
  const result = new (data.constructor as new (size: number) => Values)(rows * width);
  let start = 0;
  for (const [index, part] of parts.entries()) {
    const size = widths[index]!;
    for (let row = 0; row < rows; row++)
      result.set(part.data.subarray(row * size, (row + 1) * size), row * width + start);
    start += size;
  }
  return result;
}
