import { expect } from 'vitest';
import { type FunctionName, functionCodes, functions } from '#dist/model/functions.js';
import { ACTIVATION_ERROR, gamma, UNDERFLOW, UNIT_ROUNDOFF } from '../../oracle/tolerance.js';
import { slopeOf } from '../../train/slopes.js';
import { within } from '../check.js';
import { combine_f32, copy_f32, gather_f32, norm_f32, scale_f32 } from '../family/combine.js';
import { function_f32 } from '../family/functions.js';
import { placeRows, readRows, type TrainCheck } from './rows.js';

const u = UNIT_ROUNDOFF;
const names = Object.keys(functions) as FunctionName[];
const sigma = (x: number) => 1 / (1 + Math.exp(-x));

/** Slopes that slopes.ts leaves to the tape. */
const more: Partial<Record<FunctionName, (x: number) => number>> = {
  tanh: (x) => 1 - Math.tanh(x) ** 2,
  sigmoid: (x) => sigma(x) * (1 - sigma(x)),
  relu: (x) => (x > 0 ? 1 : 0),
};

export const graphChecks = {
  combine_f32,
  copy_f32,
  gather_f32,
  scale_f32,
  norm_f32,
  function_f32,

  function_back_f32: ((ground, draw) => {
    const name = draw.pick(names);
    const [rows, width] = [draw.integer(0, 5), draw.integer(1, 19)];
    const scale = draw.pick([1e-6, 1, 20, 200, 1e30]);
    const [alpha, beta] = draw.values(2, 2) as unknown as [number, number];
    const [dys, xs] = [draw.values(rows * width, 10), draw.values(rows * width, scale)];
    if (xs.length > 0) xs[0] = 0;
    const dy = placeRows(ground, draw, dys, rows);
    const x = placeRows(ground, draw, xs, rows);
    const dx = draw.pick([dy, x, placeRows(ground, draw, new Float32Array(rows * width), rows)]);
    const given = [ground.table, rows, width, functionCodes[name], alpha, beta];
    ground.kernels.function_back_f32(dx.at, dx.ld, dy.at, dy.ld, x.at, x.ld, ...given);
    const slope = more[name] ?? slopeOf({ function: name, alpha, beta });
    const size = name === 'scaledTanh' ? Math.abs(alpha * beta) : Math.max(1, Math.abs(alpha));
    within(
      readRows(ground, dx, width),
      Float64Array.from(dys, (g, i) => g * slope(xs[i]!)),
      // A few roundings of slope and product; what an exponential, or tanh twice, is off by; βx rounded, where tanh is
      // steep: t (1 − tanh² t) < ½.
      Float64Array.from(dys, (g, i) => {
        const own = 6 * u * Math.abs(slope(xs[i]!)) + size * (4 * ACTIVATION_ERROR + 2 * u) + 100 * UNDERFLOW;
        return Math.abs(g) * own + 2 * UNDERFLOW;
      }),
    );
  }) as TrainCheck,

  scatter_f32: ((ground, draw) => {
    const [rows, width, more] = [draw.integer(0, 4), draw.pick([1, 2, 5, 8, 17]), draw.integer(0, 9)];
    const room = width + more;
    const [xs, ys] = [draw.values(rows * width), draw.values(rows * room)];
    // Some of y's columns, each once.
    const columns = Int32Array.from({ length: room }, (_, k) => k);
    for (let k = room - 1; k > 0; k--) {
      const other = draw.integer(0, k);
      [columns[k], columns[other]] = [columns[other]!, columns[k]!];
    }
    const order = columns.slice(0, width);
    const x = placeRows(ground, draw, xs, rows);
    const y = placeRows(ground, draw, ys, rows);
    ground.kernels.scatter_f32(y.at, y.ld, x.at, x.ld, ground.placeIntegers(order), rows, width);
    const expected = ys.slice();
    for (let m = 0; m < rows; m++)
      for (const [j, to] of order.entries()) expected[m * room + to] = xs[m * width + j]!;
    expect(readRows(ground, y, room)).toEqual(expected);
  }) as TrainCheck,

  clear_places_f32: ((ground, draw) => {
    const [room, count] = [draw.integer(1, 40), draw.integer(0, 30)];
    const ys = draw.values(room);
    const order = Array.from({ length: count }, () => draw.integer(0, room - 1));
    const y = ground.place(ys);
    ground.kernels.clear_places_f32(y, ground.placeIntegers(order), count);
    expect(ground.read(y, room)).toEqual(ys.map((value, place) => (order.includes(place) ? 0 : value)));
  }) as TrainCheck,

  add_places_f32: ((ground, draw) => {
    const [room, count] = [draw.integer(1, 40), draw.integer(0, 60)];
    const [ys, xs] = [draw.values(room), draw.values(count)];
    const order = Array.from({ length: count }, () => draw.integer(0, room - 1));
    const y = ground.place(ys);
    ground.kernels.add_places_f32(y, ground.place(xs), ground.placeIntegers(order), count);
    // Nothing is multiplied: exactly what adding in order gives.
    const expected = ys.slice();
    for (const [j, place] of order.entries()) expected[place] = expected[place]! + xs[j]!;
    expect(ground.read(y, room)).toEqual(expected);
  }) as TrainCheck,

  norm_back_f32: ((ground, draw) => {
    const [rows, groups, size] = [draw.integer(0, 4), draw.integer(1, 3), draw.integer(1, 19)];
    const width = groups * size;
    const centred = draw.pick([true, false]);
    const epsilon = draw.pick([1e-5, 1e-2]);
    const mean = draw.pick([0, 100]);
    const xs = draw.values(rows * width, draw.pick([1e-2, 1, 30])).map((v) => v + mean);
    const [dys, w] = [draw.values(rows * width, 3), draw.values(width, 2)];
    const x = placeRows(ground, draw, xs, rows);
    const dy = placeRows(ground, draw, dys, rows);
    const p = draw.pick([dy, placeRows(ground, draw, new Float32Array(rows * width), rows)]);
    const dx = placeRows(ground, draw, new Float32Array(rows * width), rows);
    const asked = draw.pick([dx.at, 0]);
    const given = [x.at, x.ld, ground.place(w), rows, groups, size, centred ? 1 : 0, epsilon];
    ground.kernels.norm_back_f32(asked, dx.ld, p.at, p.ld, dy.at, dy.ld, ...given);
    const [slopes, products] = [new Float64Array(rows * width), new Float64Array(rows * width)];
    const [slopeErrors, productErrors] = [new Float64Array(rows * width), new Float64Array(rows * width)];
    const meanOf = (values: ArrayLike<number>) => Array.from(values).reduce((sum, v) => sum + v, 0) / size;
    for (let first = 0; first < rows * width; first += size) {
      const own = Array.from(xs.subarray(first, first + size));
      const m = centred ? meanOf(own) : 0;
      const spread = Math.sqrt(meanOf(own.map((v) => (v - m) ** 2)) + epsilon);
      const n = own.map((v) => (v - m) / spread);
      const d = n.map((_, i) => dys[first + i]! * w[(first + i) % width]!);
      const [usual, along] = [centred ? meanOf(d) : 0, meanOf(d.map((g, i) => g * n[i]!))];
      const [largest, deepest] = [Math.max(...d.map(Math.abs)), Math.max(...own.map(Math.abs)) / spread + 1];
      for (const [i, g] of d.entries()) {
        slopes[first + i] = (g - usual - n[i]! * along) / spread;
        products[first + i] = dys[first + i]! * n[i]!;
        // All of it is f64 up to the store: 53 bits, of numbers that may be large beside the spread.
        const slack = 2 ** -50 * (size + 8) * deepest ** 2;
        slopeErrors[first + i] = u * Math.abs(slopes[first + i]!) + (slack * largest) / spread + UNDERFLOW;
        productErrors[first + i] =
          u * Math.abs(products[first + i]!) + slack * Math.abs(dys[first + i]!) + UNDERFLOW;
      }
    }
    if (asked !== 0) within(readRows(ground, dx, width), slopes, slopeErrors);
    else expect(readRows(ground, dx, width)).toEqual(new Float32Array(rows * width));
    within(readRows(ground, p, width), products, productErrors);
  }) as TrainCheck,

  conv_tape_f32: ((ground, draw) => {
    const { steps, batch, size, width, room, w } = drawConv(draw);
    const rows = steps * batch;
    const xs = draw.values((rows + (width - 1) * batch) * room);
    const bias = draw.values(room);
    const tape = placeRows(ground, draw, xs, rows + (width - 1) * batch, 8);
    const y = placeRows(ground, draw, new Float32Array(rows * room), rows, 8);
    const at = [ground.place(w.packed), ground.place(bias)];
    for (const [first, last] of cutsOf(draw, rows))
      ground.kernels.conv_tape_f32(y.at, y.ld, tape.at, tape.ld, ...at, first, last, batch, size, width);
    const [expected, bound] = [new Float64Array(rows * size), new Float64Array(rows * size)];
    for (let m = 0; m < rows; m++) {
      for (let c = 0; c < size; c++) {
        let [sum, magnitude] = [bias[c]!, Math.abs(bias[c]!)];
        for (let j = 0; j < width; j++) {
          const term = w.at(c, j) * xs[(m + j * batch) * room + c]!;
          sum += term;
          magnitude += Math.abs(term);
        }
        expected[m * size + c] = sum;
        bound[m * size + c] = gamma(width + 1) * magnitude + (width + 1) * UNDERFLOW;
      }
    }
    within(readRows(ground, y, size), expected, bound);
  }) as TrainCheck,

  conv_back_f32: ((ground, draw) => {
    const { steps, batch, size, width, room, w } = drawConv(draw);
    const rows = steps * batch;
    const dys = draw.values(rows * room);
    const dy = placeRows(ground, draw, dys, rows, 8);
    const dx = placeRows(ground, draw, new Float32Array(rows * room), rows, 8);
    const packed = ground.place(w.packed);
    for (const [first, last] of cutsOf(draw, rows))
      ground.kernels.conv_back_f32(
        ...[dx.at, dx.ld, dy.at, dy.ld, packed],
        ...[first, last, rows, batch, size, width],
      );
    const [expected, bound] = [new Float64Array(rows * size), new Float64Array(rows * size)];
    for (let m = 0; m < rows; m++) {
      for (let c = 0; c < size; c++) {
        let magnitude = 0;
        for (let k = 0; k < width && m + k * batch < rows; k++) {
          const term = w.at(c, width - 1 - k) * dys[(m + k * batch) * room + c]!;
          expected[m * size + c]! += term;
          magnitude += Math.abs(term);
        }
        bound[m * size + c] = gamma(width) * magnitude + width * UNDERFLOW;
      }
    }
    within(readRows(ground, dx, size), expected, bound);
  }) as TrainCheck,

  conv_grad_f32: ((ground, draw) => {
    const { steps, batch, width, room } = drawConv(draw);
    const rows = steps * batch;
    const [dys, xs] = [draw.values(rows * room), draw.values((rows + (width - 1) * batch) * room)];
    const before = draw.values(room * width);
    const dy = placeRows(ground, draw, dys, rows, 8);
    const tape = placeRows(ground, draw, xs, rows + (width - 1) * batch, 8);
    const dw = placeRows(ground, draw, before, room, 1);
    // Two workers, each with some of the features.
    const cut = 4 * draw.integer(0, room / 4);
    for (const [c0, c1] of [
      [0, cut],
      [cut, room],
    ] as const) {
      const read = [dy.at, dy.ld, tape.at, tape.ld];
      ground.kernels.conv_grad_f32(dw.at, dw.ld, ...read, rows, batch, c0, c1, width);
    }
    const expected = Float64Array.from(before);
    const bound = expected.map((value, i) => {
      const [c, j] = [Math.floor(i / width), i % width];
      let magnitude = Math.abs(value);
      for (let m = 0; m < rows; m++) {
        const term = dys[m * room + c]! * xs[(m + j * batch) * room + c]!;
        expected[i]! += term;
        magnitude += Math.abs(term);
      }
      return gamma(rows + 1) * magnitude + (rows + 1) * UNDERFLOW;
    });
    within(readRows(ground, dw, width), expected, bound);
  }) as TrainCheck,
};

/** Sizes of a convolution, its features with their padding, and its weights in both forms. */
function drawConv(draw: Parameters<TrainCheck>[1]) {
  const [steps, batch] = [draw.integer(1, 5), draw.integer(1, 3)];
  const [size, width] = [draw.pick([1, 3, 8, 9, 17]), draw.integer(2, 6)];
  const room = Math.ceil(size / 8) * 8;
  const weights = draw.values(size * width);
  const packed = new Float32Array(room * width);
  const at = (c: number, j: number) => weights[c * width + j]!;
  for (let c = 0; c < size; c++)
    for (let j = 0; j < width; j++) packed[((c >> 3) * width + j) * 8 + (c % 8)] = at(c, j);
  return { steps, batch, size, width, room, w: { packed, at } };
}

/** Rows in two calls: where one begins makes no difference. */
function cutsOf(draw: Parameters<TrainCheck>[1], rows: number): [number, number][] {
  const cut = draw.integer(0, rows);
  return [
    [0, cut],
    [cut, rows],
  ];
}
