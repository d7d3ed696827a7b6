// Do strips pay? One step of a GRU, one stream, its recurrent part alone (an input of one value makes the projection next
// to nothing), of whose recurrent weights four fifths are zero: in strips and the diagonal, and dense with its zeros.
import { seededRandom } from '#dist/base/random.js';
import { sparsify } from '#dist/formats/strips.js';
import type { ModelSpec, StripShape } from '#dist/model/spec.js';
import { layerTensors, type Tensors } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import { availableKernels } from '#dist/wasm/features.js';
import { compare } from './measure.js';

export interface StripsResult {
  hidden: number;
  /** units × columns of a strip */
  shape: StripShape;
  /** part of the recurrent weights that is kept */
  density: number;
  /** best ms of a step in strips, and of the dense one, relaxed where there is such a thing */
  time: number;
  dense: number;
}

const density = 0.2;
const sizes = [384, 512, 1024];
const shapes: StripShape[] = ['8x4', '16x1', '4x4'];

export async function measureStrips(budget: number): Promise<StripsResult[]> {
  const results: StripsResult[] = [];
  const kernels = availableKernels()[0]!;
  for (const hidden of sizes) {
    for (const shape of shapes) {
      const { spec, tensors } = drawGru(hidden);
      const sparse = sparsify({ spec, tensors }, { shape, density });
      const zeroed = withZeros(spec, tensors, sparse.tensors, shape);
      using strips = await createModel(sparse.spec, sparse.tensors, { kernels });
      using dense = await createModel(spec, zeroed, { kernels });
      const sessions = [strips.session(), dense.session()] as const;
      const x = Float32Array.of(0.5);
      check(sessions.map((session) => [1, 2, 3].map(() => session.step(x).slice())));
      const times = await compare(
        [
          { name: 'strips', run: () => sessions[0].step(x) },
          { name: 'dense', run: () => sessions[1].step(x) },
        ],
        budget / 2,
      );
      results.push({
        ...{ hidden, shape, density },
        time: times.strips!.best,
        dense: times.dense!.best,
      });
    }
  }
  return results;
}

function drawGru(hidden: number): { spec: ModelSpec; tensors: Tensors } {
  const random = seededRandom(hidden);
  const layer = { kind: 'gru', name: 'gru', inputSize: 1, hiddenSize: hidden } as const;
  const tensors: Tensors = {};
  for (const [name, shape] of Object.entries(layerTensors(layer))) {
    const count = shape.reduce((product, size) => product * size, 1);
    const data = Float32Array.from({ length: count }, () => (2 * random() - 1) / Math.sqrt(hidden));
    tensors[name] = { shape, data };
  }
  return { spec: { layers: [layer] }, tensors };
}

/** The dense tensors with zeros where the sparse ones have no strip. */
function withZeros(spec: ModelSpec, tensors: Tensors, sparse: Tensors, shape: StripShape): Tensors {
  const { hiddenSize: hidden } = spec.layers[0] as { hiddenSize: number };
  const [rows, columns] = shape.split('x').map(Number) as [number, number];
  const from = tensors['gru.weight_hh']!;
  const data = new Float32Array(from.data.length);
  const stream = sparse['gru.strips']!.data;
  const keep = (row: number, column: number) => {
    data[row * hidden + column] = from.data[row * hidden + column]!;
  };
  for (let row = 0, at = 0; row < 3 * hidden; row += rows) {
    for (let left = stream[at++]!; left > 0; left--, at++) {
      for (let k = 0; k < rows * columns; k++)
        keep(row + Math.floor(k / columns), stream[at]! + (k % columns));
    }
  }
  for (let row = 0; row < 3 * hidden; row++) keep(row, row % hidden);
  return { ...tensors, 'gru.weight_hh': { shape: from.shape, data } };
}

/** The two must be one model before one is faster. */
function check([strips, dense]: Float32Array[][]): void {
  for (const [t, y] of strips!.entries()) {
    const off = Math.max(...y.map((value, i) => Math.abs(value - dense![t]![i]!)));
    if (!(off < 1e-5)) throw new Error(`strips are off by ${off} in step ${t}`);
  }
}
