import fc from 'fast-check';
import { seededRandom } from '#dist/base/random.js';
import type {
  ElmanSpec,
  GruSpec,
  LayerSpec,
  LstmSpec,
  ModelSpec,
  RecurrentLayerSpec,
  StripShape,
  StripsSpec,
} from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { type CellKind, cellKinds, edgeSizes, recurrentLayer } from './arbitraries.js';
import { type Random, randomValues } from './random.js';

const sizes = { '8x4': [8, 4], '16x1': [16, 1], '4x4': [4, 4] } as const;
export const stripShapes = Object.keys(sizes) as StripShape[];

/** The layers that can have strips. */
type Gated = LstmSpec | GruSpec | ElmanSpec;
const gates: Record<string, number> = { lstm: 4, gru: 3, elman: 1 };

export function gatesOf({ kind }: LayerSpec): number {
  return gates[kind]!;
}

function isGated(layer: LayerSpec): layer is Gated {
  return layer.kind in gates;
}

/** An index stream of random strips: about a part `density` of them, at any columns, in any order, some overlapping. */
export function randomStrips(random: Random, layer: RecurrentLayerSpec, shape: StripShape, density: number) {
  const [rows, columns] = sizes[shape];
  const { hiddenSize } = layer;
  const stream: number[] = [];
  let count = 0;
  for (let row = 0; row < gatesOf(layer) * Math.ceil(hiddenSize / rows); row++) {
    const own: number[] = [];
    for (let k = 0; k * columns < hiddenSize; k++) {
      if (random() < density) own.push(Math.floor(random() * (hiddenSize - columns + 1)));
    }
    stream.push(own.length, ...own);
    count += own.length;
  }
  return { stream: Float32Array.from(stream), count };
}

/** An index stream of as many random strips as a layer's spec says, in any rows, at any columns, some overlapping. */
export function randomStream(
  random: Random,
  layer: RecurrentLayerSpec,
  { shape, count }: StripsSpec,
): Float32Array {
  const [rows, columns] = sizes[shape];
  const { hiddenSize } = layer;
  const below = (most: number) => Math.floor(random() * most);
  const lines = Array.from({ length: gatesOf(layer) * Math.ceil(hiddenSize / rows) }, (): number[] => []);
  for (let k = 0; k < count; k++) lines[below(lines.length)]!.push(below(hiddenSize - columns + 1));
  return Float32Array.from(lines.flatMap((own) => [own.length, ...own]));
}

/** Of each value of a layer's strips where it stands in [G·H, H]; −1 for units past the last. */
export function stripPlaces(
  layer: RecurrentLayerSpec,
  { shape }: StripsSpec,
  stream: ArrayLike<number>,
): number[] {
  const [rows, columns] = sizes[shape];
  const { hiddenSize: hidden } = layer;
  const places: number[] = [];
  let at = 0;
  for (let gate = 0; gate < gatesOf(layer); gate++) {
    for (let unit = 0; unit < hidden; unit += rows) {
      for (let left = stream[at++]!; left > 0; left--) {
        const first = stream[at++]!;
        for (let k = 0; k < columns; k++) {
          for (let r = 0; r < rows; r++)
            places.push(unit + r < hidden ? (gate * hidden + unit + r) * hidden + first + k : -1);
        }
      }
    }
  }
  return places;
}

/** Gives a model's dense layers strips, with random weights in place of those that it has. */
export function withStrips(
  seed: number,
  spec: ModelSpec,
  tensors: Tensors,
  shape: StripShape,
  density: number,
  diagonal: boolean,
): { spec: ModelSpec; tensors: Tensors } {
  const random = seededRandom(seed);
  const all = { ...tensors };
  const layers = spec.layers.map((layer) => {
    if (!isGated(layer) || (layer.blocks ?? 1) !== 1 || sizes[shape][1] > layer.hiddenSize) return layer;
    const { name, hiddenSize } = layer;
    const { stream, count } = randomStrips(random, layer, shape, density);
    const [rows, columns] = sizes[shape];
    const scale = 1 / Math.sqrt(hiddenSize);
    const put = (field: string, own: number[], data: Float32Array) => {
      all[`${name}.${field}`] = { shape: own, data };
    };
    put('weight_hh', [count, rows * columns], randomValues(random, count * rows * columns, scale));
    put('strips', [stream.length], stream);
    const units = gatesOf(layer) * hiddenSize;
    if (diagonal) put('diagonal', [units], randomValues(random, units, scale));
    const strips: StripsSpec = { shape, count, diagonal };
    return { ...layer, strips };
  });
  return { spec: { layers }, tensors: all };
}

/** The same model with every layer of strips written as the dense layer that it is: zeros, strips and diagonal. */
export function expandStripsToDense(
  spec: ModelSpec,
  tensors: Tensors,
): { spec: ModelSpec; tensors: Tensors } {
  const all: Tensors = {};
  for (const [name, tensor] of Object.entries(tensors)) all[name] = tensor;
  const layers = spec.layers.map((layer) => {
    if (!isGated(layer) || layer.strips === undefined) return layer;
    const { strips, ...dense } = layer;
    const { name, hiddenSize: hidden } = layer;
    const data = new Float32Array(gatesOf(layer) * hidden * hidden);
    const values = tensors[`${name}.weight_hh`]!.data;
    for (const [k, place] of stripPlaces(layer, strips, tensors[`${name}.strips`]!.data).entries())
      if (place >= 0) data[place]! += values[k]!;
    const diagonal = tensors[`${name}.diagonal`]?.data ?? new Float32Array(0);
    for (let row = 0; row < diagonal.length; row++) data[row * hidden + (row % hidden)]! += diagonal[row]!;
    delete all[`${name}.strips`];
    delete all[`${name}.diagonal`];
    all[`${name}.weight_hh`] = { shape: [gatesOf(layer) * hidden, hidden], data };
    return dense;
  });
  return { spec: { layers }, tensors: all };
}

/** A stack of one to three layers to be given strips, and how. */
export function stripStack(): fc.Arbitrary<{
  spec: ModelSpec;
  shape: StripShape;
  density: number;
  diagonal: boolean;
}> {
  return fc.record({
    spec: fc
      .array(
        fc.record({
          kind: fc.constantFrom<CellKind>(...cellKinds),
          hiddenSize: fc.constantFrom(...edgeSizes, 33),
        }),
        {
          minLength: 1,
          maxLength: 3,
        },
      )
      .chain((cells) =>
        fc.tuple(...cells.map(({ kind }) => recurrentLayer(kind))).map((layers) => {
          let width = layers[0]!.inputSize;
          return {
            layers: layers.map((layer, k) => {
              const { hiddenSize } = cells[k]!;
              const read = width % 3 === 0 && hiddenSize % 3 === 0 ? { inputBlocks: 3 } : {};
              const made = { ...layer, ...read, name: `rnn.${k}`, inputSize: width, hiddenSize, blocks: 1 };
              width = hiddenSize;
              return made;
            }),
          };
        }),
      ),
    shape: fc.constantFrom<StripShape>(...stripShapes),
    density: fc.constantFrom(0, 0.2, 0.6, 1),
    diagonal: fc.boolean(),
  });
}
