import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { seededRandom } from '#dist/base/random.js';
import { encodeModel } from '#dist/formats/native.js';
import { writeNpy } from '#dist/formats/npy.js';
import { writeSafetensors } from '#dist/formats/safetensors.js';
import type { ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { npzOf } from '../formats/archive.js';
import { flashrnnWeights } from '../formats/layouts/flashrnn-models.js';
import { kerasModels, weightsOf } from '../formats/layouts/keras-models.js';
import { dumpFolder, makeVariables } from '../formats/variables.js';
import { buildOnnx } from '../onnx/graph.js';
import { runOracle } from '../oracle/model.js';
import { randomModel } from '../oracle/random.js';
import { type Page, root } from './pages.js';

/**
 * Makes a fresh folder with what a reader of the guide has before its first line, and the files that it shows.
 * @param installed the folder of the package, which stands in its node_modules
 */
export function prepareFolder(page: Page, folder: string, installed: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  // A junction needs no rights on Windows.
  symlinkSync(installed, join(folder, 'node_modules/blockrnn'), 'junction');
  for (const [name, make] of Object.entries(filesOf[page.name] ?? {})) {
    const made = make();
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    if (typeof made === 'string') cpSync(made, join(folder, name));
    else writeFileSync(join(folder, name), made);
  }
  for (const { file, text } of page.blocks) if (file !== undefined) writeFileSync(join(folder, file), text);
}

type Maker = () => Uint8Array | string;

/** A language model of five bytes, as TensorFlow has it. */
const lstms = makeVariables({
  embedding: [5, 4],
  hidden: [
    { size: 8, blocks: 2 },
    { size: 8, blocks: 1 },
  ],
  outputs: 5,
});

const demo: Maker = () => join(root, 'demo/shakespeare-block8.safetensors');
const filesOf: Record<string, Record<string, Maker>> = {
  threads: { 'model.safetensors': demo },
  onnx: { 'model.safetensors': demo, 'denoiser.onnx': makeDenoiser },
  deno: { 'model.safetensors': demo },
  microbenchmarks: { 'model.safetensors': demo },
  worklets: { 'amp.safetensors': makeAmp },
  'choosing-n': { 'poems.txt': () => join(root, 'demo/sonnets.txt') },
  training: { 'poems.txt': () => join(root, 'demo/sonnets.txt') },
  tensorflow: {
    ...charRnn(),
    'variables.safetensors': () => writeSafetensors(lstms),
    'bytes.json': () => encodeJson([10, 32, 65, 66, 67]),
  },
  layouts: {
    'model.keras': () => join(root, 'test/formats/layouts/gru.keras'),
    'keras.npz': () => npzOf(weightsOf(kerasModels.lstm!, 'path')),
    'config.json': () => encodeJson(kerasModels.lstm!.config),
    'flashrnn.safetensors': () => writeSafetensors(flashrnnWeights('gru')),
  },
  pytorch: {
    'state-dict.safetensors': () => writeSafetensors(tagger.stateDict, { metadata: { format: 'pt' } }),
    'ids.npy': () => writeNpy([20, 1], tagger.ids),
    'expected.npy': () => writeNpy([20, 1, 5], tagger.expected),
  },
};

/** The folder in which such a model was published. */
function charRnn(): Record<string, Maker> {
  const files = Object.entries(dumpFolder(lstms, { A: 2, B: 3, C: 4, '\n': 0, ' ': 1 }));
  return Object.fromEntries(
    files.map(([name, content]) => [
      `char-rnn/${name}`,
      () => (content instanceof Uint8Array ? content : encodeJson(content)),
    ]),
  );
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A mask for each frame of a spectrum, its states among the graph's inputs and outputs. */
function makeDenoiser(): Uint8Array {
  const spec: ModelSpec = {
    layers: [
      { kind: 'lstm', name: 'a', inputSize: 257, hiddenSize: 32 },
      { kind: 'lstm', name: 'b', inputSize: 32, hiddenSize: 32 },
      { kind: 'linear', name: 'mask', inputSize: 32, outputSize: 257 },
      { kind: 'activation', name: 'sigmoid', activation: 'sigmoid' },
    ],
  };
  return buildOnnx(spec, randomModel(seededRandom(8), spec));
}

/** One sample in, one sample out. */
function makeAmp(): Uint8Array {
  const spec: ModelSpec = {
    layers: [
      { kind: 'lstm', name: 'lstm', inputSize: 1, hiddenSize: 32, blocks: 4 },
      { kind: 'linear', name: 'mix', inputSize: 32, outputSize: 1 },
    ],
  };
  return encodeModel({ spec, tensors: randomModel(seededRandom(7), spec) });
}

/** What the Python of the guide saves: a dense state dict with zeros off 4 blocks, an input, and what comes out. */
const tagger = makeTagger();

function makeTagger(): { stateDict: Tensors; ids: Int32Array; expected: Float32Array } {
  const spec: ModelSpec = {
    layers: [
      { kind: 'embedding', name: 'embedding', count: 50, size: 16 },
      { kind: 'gru', name: 'rnn', inputSize: 16, hiddenSize: 32 },
      { kind: 'linear', name: 'decoder', inputSize: 32, outputSize: 5 },
    ],
  };
  const tensors = randomModel(seededRandom(8), spec);
  const weight = tensors['rnn.weight_hh']!.data;
  for (let row = 0; row < 96; row++) {
    for (let k = 0; k < 32; k++) if ((row % 32) >> 3 !== k >> 3) weight[row * 32 + k] = 0;
  }
  const ids = Int32Array.from({ length: 20 }, (_, t) => t);
  const { y } = runOracle(spec, tensors, ids, { steps: 20, batch: 1 });
  const stateDict = Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [name.replace(/^(rnn\..*)$/, '$1_l0'), tensor]),
  );
  return { stateDict, ids, expected: Float32Array.from(y) };
}
