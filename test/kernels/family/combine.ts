import { combineCodes } from '#dist/model/kinds.js';
import type { FamilyKernelName } from '#dist/wasm/family-registry.js';
import type { Kernels } from '#dist/wasm/registry.js';
import { exact } from '../../oracle/bounded.js';
import { combine, normalise, scale } from '../../oracle/layers.js';
import { type Check, type Draw, within } from '../check.js';
import type { Ground } from '../ground.js';

const widths = [1, 2, 3, 4, 5, 8, 9, 31, 65];
const operations = Object.keys(combineCodes) as (keyof typeof combineCodes)[];

/** What the binaries of the family and those that train have in common beside the kernels of plain stacks. */
export type GraphKernels = Kernels &
  Readonly<
    Record<
      Extract<
        FamilyKernelName,
        'combine_f32' | 'copy_f32' | 'gather_f32' | 'scale_f32' | 'norm_f32' | 'function_f32'
      >,
      (...args: number[]) => void
    >
  >;

/** Rows apart from each other by a stride, in floats. */
interface Rows {
  at: number;
  ld: number;
  rows: Float32Array[];
}

function placeRows(ground: Ground<GraphKernels>, draw: Draw, rows: Float32Array[]): Rows {
  const stride = Math.ceil(rows[0]!.length / 4) * 4 + draw.pick([0, 8]);
  const wide = new Float32Array(rows.length * stride);
  for (const [r, row] of rows.entries()) wide.set(row, r * stride);
  return { at: ground.place(wide), ld: stride * 4, rows };
}

const drawRows = (draw: Draw, rows: number, width: number, size: number) =>
  Array.from({ length: rows }, () => draw.values(width, size));

/** Padded to whole vectors, as weights are. */
function placeWeights(ground: Ground<GraphKernels>, values: Float32Array): number {
  const wide = new Float32Array(Math.ceil(values.length / 4) * 4);
  wide.set(values);
  return ground.place(wide);
}

export const combine_f32: Check<GraphKernels> = (ground, draw) => {
  const operation = draw.pick(operations);
  const [rows, width, size] = [draw.integer(1, 4), draw.pick(widths), draw.pick([1e-3, 1, 1e10])];
  const a = placeRows(ground, draw, drawRows(draw, rows, width, size));
  const b = placeRows(ground, draw, drawRows(draw, rows, width, size));
  const fresh = { at: ground.room(rows * (width + 8)), ld: Math.ceil(width / 4) * 16 };
  const y = draw.pick([a, b, fresh]);
  ground.kernels.combine_f32(y.at, y.ld, a.at, a.ld, b.at, b.ld, rows, width, combineCodes[operation]);
  for (let r = 0; r < rows; r++) {
    const { value, error } = combine(operation, [exact(a.rows[r]!), exact(b.rows[r]!)]);
    within(ground.read(y.at + r * y.ld, width), value, error);
  }
};

export const scale_f32: Check<GraphKernels> = (ground, draw) => {
  const [rows, width] = [draw.integer(1, 4), draw.pick(widths)];
  const x = placeRows(ground, draw, drawRows(draw, rows, width, 10));
  const [w, b] = [draw.values(width, 2), draw.values(width, 2)];
  const at = [placeWeights(ground, w), placeWeights(ground, b)];
  const y = draw.pick([x, { at: ground.room(rows * (width + 8)), ld: Math.ceil(width / 4) * 16 }]);
  ground.kernels.scale_f32(y.at, y.ld, x.at, x.ld, ...at, rows, width);
  for (let r = 0; r < rows; r++) {
    const { value, error } = scale(exact(x.rows[r]!), w, b);
    within(ground.read(y.at + r * y.ld, width), value, error);
  }
};

/** Exactly the columns that it is told to: what stands beside them in a wider row is not its own. */
export const copy_f32: Check<GraphKernels> = (ground, draw) => {
  const [rows, width, beside] = [draw.integer(1, 4), draw.pick(widths), draw.integer(0, 5)];
  const x = placeRows(ground, draw, drawRows(draw, rows, width, 10));
  const y = placeRows(ground, draw, drawRows(draw, rows, beside + width + beside, 10));
  ground.kernels.copy_f32(y.at + beside * 4, y.ld, x.at, x.ld, rows, width);
  for (let r = 0; r < rows; r++) {
    const expected = y.rows[r]!.slice();
    expected.set(x.rows[r]!, beside);
    within(ground.read(y.at + r * y.ld, expected.length), expected, new Float32Array(expected.length));
  }
};

/** Exactly the columns that it is told to, as copy_f32. */
export const gather_f32: Check<GraphKernels> = (ground, draw) => {
  const [rows, width, beside] = [draw.integer(1, 4), draw.pick(widths), draw.integer(0, 5)];
  const x = placeRows(ground, draw, drawRows(draw, rows, width, 10));
  const y = placeRows(ground, draw, drawRows(draw, rows, beside + width + beside, 10));
  const order = Int32Array.from({ length: width }, () => draw.integer(0, width - 1));
  const at = ground.placeIntegers(order);
  ground.kernels.gather_f32(y.at + beside * 4, y.ld, x.at, x.ld, at, rows, width);
  for (let r = 0; r < rows; r++) {
    const expected = y.rows[r]!.slice();
    for (const [j, from] of order.entries()) expected[beside + j] = x.rows[r]![from]!;
    within(ground.read(y.at + r * y.ld, expected.length), expected, new Float32Array(expected.length));
  }
};

export const norm_f32: Check<GraphKernels> = (ground, draw) => {
  const [rows, size, groups] = [draw.integer(1, 4), draw.pick(widths), draw.integer(1, 3)];
  const width = size * groups;
  // Around a mean that is far away, or around none.
  const [scaled, mean] = [draw.pick([1e-3, 1, 1e4]), draw.pick([0, 1e3])];
  const x = placeRows(
    ground,
    draw,
    drawRows(draw, rows, width, scaled).map((row) => row.map((v) => v + mean)),
  );
  const [w, b] = [draw.values(width, 2), draw.pick([draw.values(width, 2), undefined])];
  const at = [ground.place(w), b === undefined ? 0 : ground.place(b)];
  const y = draw.pick([x, { at: ground.room(rows * (width + 8)), ld: Math.ceil(width / 4) * 16 }]);
  const norm = draw.pick(['layer', 'rms'] as const);
  const epsilon = draw.pick([1e-5, 1e-3]);
  const sizes = [rows, groups, size, norm === 'layer' ? 1 : 0, epsilon];
  ground.kernels.norm_f32(y.at, y.ld, x.at, x.ld, ...at, ...sizes);
  const layer = { kind: 'norm', name: 'norm', size: width, norm, groups, epsilon } as const;
  for (let r = 0; r < rows; r++) {
    const { value, error } = normalise(exact(x.rows[r]!), layer, w, b);
    within(ground.read(y.at + r * y.ld, width), value, error);
  }
};
