// Measures in a thread of its own, so that the page stays alive. One thing at a time: the page asks for the next when
// it has the one before. onnxruntime-web sets its number of threads once, so each number has a worker.
import type { ModelOptions, ModelSpec, Tensors } from 'blockrnn';
import type * as Ort from 'onnxruntime-web/wasm';
import { buildOnnx } from '../../test/onnx/graph.js';
import { drawInput, inputs, makeDraw, steps } from './layer.js';
import type { Answer, Task } from './measurer.js';
import { openLayer, time } from './snippets/blocks.js';
import { takeMedian } from './timing.js';

const x = drawInput();
let opened: Promise<typeof Ort> | undefined;

self.addEventListener('message', async ({ data }: MessageEvent<Task>) => {
  let answer: Answer;
  try {
    answer = await (data.runtime === 'blockrnn' ? measureOurs(data) : measureRival(data));
  } catch (error) {
    answer = { error: error instanceof Error ? error.message : String(error) };
  }
  self.postMessage(answer);
});

async function measureOurs({ hidden, blocks, threads }: Task): Promise<Answer> {
  const createWorker = () =>
    new Worker(new URL('./blockrnn.worker.js', self.location.href), { type: 'module' });
  const options: ModelOptions = threads === 1 ? {} : { threads, createWorker };
  const model = await openLayer(hidden, blocks, makeDraw(hidden), options);
  try {
    const { y } = await model.run(x, { steps });
    return { y: y.slice(-hidden), microseconds: await takeMedian(() => time(model, x, steps)) };
  } finally {
    model.dispose();
  }
}

/** An LSTM node for each block, and a Concat. */
async function measureRival({ hidden, blocks, threads, rival }: Task): Promise<Answer> {
  opened ??= openOrt(rival, threads);
  const ort = await opened;
  const session = await ort.InferenceSession.create(writeOnnx(hidden, blocks), {
    executionProviders: ['wasm'],
  });
  try {
    const feeds = { x: new ort.Tensor('float32', x, [steps, 1, inputs]) };
    const { y } = await session.run(feeds);
    const microseconds = await takeMedian(async () => {
      const start = performance.now();
      await session.run(feeds);
      return ((performance.now() - start) * 1000) / steps;
    });
    return { y: (y!.data as Float32Array).slice(-hidden), microseconds };
  } finally {
    await session.release();
  }
}

async function openOrt(url: string, threads: number): Promise<typeof Ort> {
  const ort = (await import(url)) as typeof Ort;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL('./', url).href;
  ort.env.logLevel = 'error';
  return ort;
}

/** The same layer, from the same seeds. */
function writeOnnx(hidden: number, blocks: number): Uint8Array {
  const draw = makeDraw(hidden);
  const spec: ModelSpec = {
    layers: [{ kind: 'lstm', name: 'lstm', inputSize: inputs, hiddenSize: hidden, blocks }],
  };
  const tensors: Tensors = {
    'lstm.weight_ih': draw([4 * hidden, inputs]),
    'lstm.weight_hh': draw([4 * hidden, hidden / blocks]),
    'lstm.bias_ih': draw([4 * hidden]),
    'lstm.bias_hh': draw([4 * hidden]),
  };
  return buildOnnx(spec, tensors, { state: false });
}
