import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { number, oneOf, show } from '../base/guards.js';
import { cellOf } from '../model/cells.js';
import { checkSpec } from '../model/check.js';
import { blocksOf, type RecurrentLayerSpec, type StripShape, type StripsSpec } from '../model/spec.js';
import { type StripPlaces, stripRows, stripSizes, writeStrips } from '../model/strips.js';
import { checkTensors, type ModelFile, type Tensors } from '../model/tensors.js';

/** How to keep only strips of the recurrent weights. */
export interface SparsifyOptions {
  /** units × columns of a strip; 'auto' (default) is 8x4 or, where nothing is to be lost, what leaves the fewest values */
  shape?: StripShape | 'auto';
  /**
   * which part of the strips of each gate to keep, those of the largest norm, 0..1; one number, or one for each gate in
   * the order of the layer's kind; 'auto' (default) keeps all that are not zero, so that nothing is lost, and leaves a
   * layer dense in which that is more than half
   */
  density?: number | readonly number[] | 'auto';
  /**
   * whether to keep the diagonal beside the strips; 'auto' (default): always or, where nothing is to be lost, if that
   * leaves fewer values
   */
  diagonal?: boolean | 'auto';
}

const shapes = Object.keys(stripSizes) as StripShape[];

/** Above it a dense product is about as fast: measured at 384 units, strips are as fast at 0.65. */
const mostDense = 0.5;

/**
 * A model whose dense recurrent layers keep only strips of their recurrent weights, with the diagonal beside them where
 * that is wanted (Valin & Skoglund 2019, LPCNet). Layers of several blocks or directions, of other cells than LSTM, GRU and
 * Elman with their own functions, those that have strips already and those that are narrower than a strip stay.
 * @throws TypeError, RangeError for wrong options; MismatchError when spec and tensors disagree
 */
export function sparsify(file: ModelFile, options: SparsifyOptions = {}): ModelFile {
  const spec = checkSpec(file.spec);
  const tensors = checkTensors(spec, file.tensors);
  const layers = spec.layers.map((layer) => {
    if (layer.kind !== 'lstm' && layer.kind !== 'gru' && layer.kind !== 'elman') return layer;
    const isDense = blocksOf(layer) === 1 && layer.strips === undefined;
    if (!isDense || layer.direction !== undefined || cellOf(layer).isFamily) return layer;
    const cut = cutLayer(layer, tensors[`${layer.name}.weight_hh`]!.data, checkOptions(layer, options));
    if (cut === undefined) return layer;
    Object.assign(tensors, cut.tensors);
    return { ...layer, strips: cut.strips };
  });
  return { ...file, spec: { layers }, tensors };
}

/** What a layer keeps, as its spec and its tensors say it. */
interface Cut {
  strips: StripsSpec;
  tensors: Tensors;
}

/** Options for one layer: shapes and diagonals to be tried, and a density for each gate unless nothing is to be lost. */
interface Plan {
  shapes: StripShape[];
  diagonals: boolean[];
  densities: readonly number[] | undefined;
}

function checkOptions(layer: RecurrentLayerSpec, options: SparsifyOptions): Plan {
  const { name, hiddenSize } = layer;
  const { gates } = cellOf(layer);
  const { shape = 'auto', density = 'auto', diagonal = 'auto' } = options;
  const chosen = oneOf(shape, 'shape', ['auto', ...shapes]);
  if (diagonal !== 'auto' && typeof diagonal !== 'boolean')
    throw new ArgumentTypeError(`diagonal must be true, false or 'auto', got ${show(diagonal)}.`);
  let densities: readonly number[] | undefined;
  if (density !== 'auto') {
    densities = typeof density === 'number' ? new Array<number>(gates).fill(density) : density;
    if (!Array.isArray(densities) || densities.length !== gates)
      throw new ArgumentRangeError(
        `layer ${show(name)}: density must be one number or ${gates}, one for each gate, got ${show(density)}.`,
      );
    for (const each of densities) {
      if (number(each, 'density', 0) > 1)
        throw new ArgumentRangeError(`density must be within 0..1, got ${each}.`);
    }
  }
  const isExact = densities === undefined;
  const all: StripShape[] = chosen !== 'auto' ? [chosen] : isExact ? shapes : ['8x4'];
  return {
    shapes: all.filter((each) => stripSizes[each].columns <= hiddenSize),
    diagonals: diagonal !== 'auto' ? [diagonal] : isExact ? [false, true] : [true],
    densities,
  };
}

/** What is left of a layer; undefined where it had better stay dense. */
function cutLayer(layer: RecurrentLayerSpec, weights: Float32Array, plan: Plan): Cut | undefined {
  const { gates } = cellOf(layer);
  let best: Cut | undefined;
  for (const shape of plan.shapes) {
    for (const diagonal of plan.diagonals) {
      const cut = cutGates(layer.name, weights, gates, layer.hiddenSize, shape, diagonal, plan.densities);
      if (best === undefined || valuesOf(cut) < valuesOf(best)) best = cut;
    }
  }
  const isTooMuch =
    best !== undefined && plan.densities === undefined && valuesOf(best) > weights.length * mostDense;
  return isTooMuch ? undefined : best;
}

function valuesOf({ tensors }: Cut): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
}

function cutGates(
  name: string,
  weights: Float32Array,
  gates: number,
  hiddenSize: number,
  shape: StripShape,
  diagonal: boolean,
  densities: readonly number[] | undefined,
): Cut {
  const { rows, columns } = stripSizes[shape];
  const grid = gridOf(weights, gates, hiddenSize, shape, diagonal);
  const perGate = stripRows({ shape }, hiddenSize) * grid.firsts.length;
  const kept: number[] = [];
  for (let gate = 0; gate < gates; gate++) {
    const all = Array.from({ length: perGate }, (_, k) => gate * perGate + k).filter(
      (k) => grid.norms[k] !== 0,
    );
    const most = densities === undefined ? all.length : Math.round(densities[gate]! * perGate);
    // The largest first; of equal ones the first. A NaN is larger than any number.
    const size = (k: number) => (Number.isNaN(grid.norms[k]!) ? Number.POSITIVE_INFINITY : grid.norms[k]!);
    if (all.length > most) all.sort((a, b) => (size(a) === size(b) ? a - b : size(b) > size(a) ? 1 : -1));
    kept.push(...all.slice(0, most).sort((a, b) => a - b));
  }
  const count = kept.length;
  const places: StripPlaces = {
    starts: new Int32Array(gates * stripRows({ shape }, hiddenSize) + 1),
    columns: new Int32Array(count),
  };
  const values = new Float32Array(count * rows * columns);
  for (const [strip, k] of kept.entries()) {
    const row = Math.floor(k / grid.firsts.length);
    places.starts[row + 1]!++;
    places.columns[strip] = grid.firsts[k % grid.firsts.length]!;
    grid.copy(k, values.subarray(strip * rows * columns));
  }
  for (let row = 1; row < places.starts.length; row++) places.starts[row]! += places.starts[row - 1]!;
  const stream = writeStrips(places);
  const own: Tensors = {
    [`${name}.weight_hh`]: { shape: [count, rows * columns], data: values },
    [`${name}.strips`]: { shape: [stream.length], data: stream },
  };
  if (diagonal) {
    const data = Float32Array.from(
      { length: gates * hiddenSize },
      (_, row) => weights[row * hiddenSize + (row % hiddenSize)]!,
    );
    own[`${name}.diagonal`] = { shape: [data.length], data };
  }
  return { strips: { shape, count, diagonal }, tensors: own };
}

/**
 * The grid of strips that a matrix is cut into: rows of strips, gate after gate, and in each as many strips as cover H
 * columns. Where columns do not divide H, the last strip ends with the matrix, and has zeros where the one before it
 * has been.
 */
function gridOf(
  weights: Float32Array,
  gates: number,
  hiddenSize: number,
  shape: StripShape,
  diagonal: boolean,
): { firsts: number[]; norms: Float64Array; copy: (k: number, to: Float32Array) => void } {
  const { rows, columns } = stripSizes[shape];
  const firsts = Array.from({ length: Math.ceil(hiddenSize / columns) }, (_, k) =>
    Math.min(k * columns, hiddenSize - columns),
  );
  const perGate = stripRows({ shape }, hiddenSize);
  /** Each value of strip k with its place in it. */
  const visit = (k: number, use: (value: number, place: number) => void) => {
    const row = Math.floor(k / firsts.length);
    const gate = Math.floor(row / perGate);
    const unit = (row % perGate) * rows;
    const first = firsts[k % firsts.length]!;
    for (let column = (k % firsts.length) * columns; column < first + columns; column++) {
      for (let r = 0; r < rows && unit + r < hiddenSize; r++) {
        if (diagonal && unit + r === column) continue;
        const value = weights[(gate * hiddenSize + unit + r) * hiddenSize + column]!;
        use(value, (column - first) * rows + r);
      }
    }
  };
  const norms = new Float64Array(gates * perGate * firsts.length);
  for (let k = 0; k < norms.length; k++)
    visit(k, (value) => {
      norms[k]! += value * value;
    });
  return { firsts, norms, copy: (k, to) => visit(k, (value, place) => (to[place] = value)) };
}
