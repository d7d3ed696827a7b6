// What does one frame of a streaming model cost, its state kept? The first stage of DTLN (Westhausen & Meyer 2020), a
// noise suppressor for 8 ms frames: 257 magnitudes, two LSTMs of 128, a mask of 257.
import * as ortNode from 'onnxruntime-node';
import * as ortWeb from 'onnxruntime-web';
import { seededRandom } from '#dist/base/random.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { layerTensors, type Tensors } from '#dist/model/tensors.js';
import { createModel } from '#dist/node.js';
import { availableKernels, type KernelSet } from '#dist/wasm/features.js';
import { buildOnnx } from '../test/onnx/graph.js';
import { makeFeeds, openOnnxNode, type TensorClass } from '../test/onnx/runtime.js';
import { runOracle } from '../test/oracle/model.js';
import { findExcess } from '../test/oracle/tolerance.js';
import { compare, type Timing } from './measure.js';

export interface FramesResult {
  /** values that come in with a frame */
  inputs: number;
  hidden: number;
  /** ms a frame, by runtime */
  times: Record<string, Timing>;
}

/** Something that takes frames one after another. */
interface Streamer {
  name: string;
  /** The next frame, from the state that the one before has left. */
  run(): unknown;
  /** The frame that was last given out. */
  y(): Float32Array;
  dispose(): void;
}

const inputs = 257;
const hidden = 128;
/** Frames that go round. */
const count = 50;
/** Frames that are checked against the oracle before anything is timed. */
const checked = 10;

const spec: ModelSpec = {
  layers: [
    { kind: 'lstm', name: 'lstm.0', inputSize: inputs, hiddenSize: hidden },
    { kind: 'lstm', name: 'lstm.1', inputSize: hidden, hiddenSize: hidden },
    { kind: 'linear', name: 'mask', inputSize: hidden, outputSize: inputs },
    { kind: 'activation', name: 'sigmoid', activation: 'sigmoid' },
  ],
};

export async function measureFrames(budget: number): Promise<FramesResult> {
  const random = seededRandom(257);
  const draw = (length: number, scale: number) =>
    Float32Array.from({ length }, () => (2 * random() - 1) * scale);
  const tensors: Tensors = {};
  for (const [name, shape] of spec.layers.flatMap((layer) => Object.entries(layerTensors(layer)))) {
    const length = shape.reduce((product, size) => product * size, 1);
    tensors[name] = { shape, data: draw(length, 1 / Math.sqrt(hidden)) };
  }
  const x = draw(count * inputs, 1);
  const frames = Array.from({ length: count }, (_, t) => x.subarray(t * inputs, (t + 1) * inputs));
  const bytes = buildOnnx(spec, tensors);
  ortWeb.env.wasm.numThreads = 1;
  const web = await ortWeb.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const node = await openOnnxNode(bytes);
  const streamers = [
    ...(await Promise.all(availableKernels().map((kernels) => openOurs(tensors, frames, kernels)))),
    openTheirs('onnxruntime-web', web, ortWeb.Tensor as TensorClass<ortWeb.Tensor>, frames),
    openTheirs('onnxruntime-node', node, ortNode.Tensor as TensorClass<ortNode.Tensor>, frames),
  ];
  const oracle = runOracle(spec, tensors, x.subarray(0, checked * inputs), { steps: checked, batch: 1 });
  for (const { name, run, y } of streamers) {
    for (let t = 0; t < checked; t++) {
      await run();
      const range = [t * inputs, (t + 1) * inputs] as const;
      const excess = findExcess(y(), oracle.y.subarray(...range), oracle.bound.subarray(...range));
      if (excess !== null) throw new Error(`${name} is wrong at frame ${t}: ${JSON.stringify(excess)}`);
    }
  }
  const times = await compare(streamers, budget);
  for (const { dispose } of streamers) dispose();
  return { inputs, hidden, times };
}

async function openOurs(
  tensors: Tensors,
  frames: readonly Float32Array[],
  kernels: KernelSet,
): Promise<Streamer> {
  const model = await createModel(spec, tensors, { kernels });
  const session = model.session();
  let next = 0;
  let y: Float32Array = new Float32Array(0);
  const run = () => {
    y = session.step(frames[next++ % count]!);
  };
  return { name: `blockrnn ${kernels}`, run, y: () => y, dispose: () => model.dispose() };
}

interface OrtSession<T> {
  run(feeds: Record<string, T>): Promise<Readonly<Record<string, T>>>;
  release(): Promise<void>;
}

/** The states that come out go in with the next frame, as they are: nothing is copied. */
function openTheirs<T extends { data: unknown }>(
  name: string,
  session: OrtSession<T>,
  Tensor: TensorClass<T>,
  frames: readonly Float32Array[],
): Streamer {
  const feeds = makeFeeds(Tensor, spec, { x: frames[0]!, steps: 1, batch: 1 });
  const inputsOf = frames.map((frame) => new Tensor('float32', frame, [1, 1, inputs]));
  let outputs: Readonly<Record<string, T>> = {};
  let next = 0;
  const run = async () => {
    feeds.x = inputsOf[next++ % count]!;
    outputs = await session.run(feeds);
    for (const k of [0, 1]) {
      feeds[`h0.${k}`] = outputs[`hn.${k}`]!;
      feeds[`c0.${k}`] = outputs[`cn.${k}`]!;
    }
  };
  return { name, run, y: () => outputs.y!.data as Float32Array, dispose: () => void session.release() };
}
