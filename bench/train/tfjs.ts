// TensorFlow.js at the dense byte model, on one thread of its WebAssembly backend. Run by main.ts in a process of its own;
// writes its findings to stdout as JSON. It is no dependency of this package, for it takes 320 MB: to measure it,
// npm install --no-save @tensorflow/tfjs @tensorflow/tfjs-backend-wasm
import { createRequire } from 'node:module';
import type { Timing } from '../measure.js';
import { allGroups, makeTraining } from './cases.js';

export type TfjsReport =
  | { missing: string }
  | {
      version: string;
      backend: string;
      hidden: number;
      steps: number;
      batch: number;
      updates: number;
      /** ms per update */
      step: Timing;
    };

type Tensor = { dataSync(): Float32Array; reshape(shape: number[]): Tensor; toFloat(): Tensor };
type Layer = object;
/** As much of it as is needed here. */
interface Tfjs {
  version: { tfjs: string };
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  tidy<Result>(work: () => Result): Result;
  tensor1d(values: Int32Array, type: 'int32'): Tensor;
  oneHot(classes: Tensor, depth: number): Tensor;
  sequential(): { add(layer: Layer): void; apply(x: Tensor, options: { training: boolean }): Tensor };
  layers: Record<'dense' | 'lstm', (settings: object) => Layer>;
  train: { adam(rate: number): { minimize(loss: () => Tensor, wanted: true): Tensor } };
  losses: { softmaxCrossEntropy(targets: Tensor, logits: Tensor): Tensor };
}

const updates = 3;
const report = await measureTfjs();
process.stdout.write(JSON.stringify(report), () => process.exit(0));

async function measureTfjs(): Promise<TfjsReport> {
  let tf: Tfjs;
  try {
    // What it has to say goes where it does not break the JSON.
    console.log = console.warn = () => {};
    const require = createRequire(import.meta.url);
    tf = require('@tensorflow/tfjs') as Tfjs;
    require('@tensorflow/tfjs-backend-wasm');
  } catch (error) {
    return { missing: error instanceof Error ? error.message.split('\n')[0]! : `${error}` };
  }
  const at = allGroups()
    .flatMap(({ cases }) => cases)
    .find(({ model, hidden, blocks }) => model === 'byte' && hidden === 512 && blocks === 1)!;
  const { hidden, steps, batch } = at;
  const training = makeTraining(at);
  const last = training.spec.layers.at(-1)!;
  const classes = 'outputSize' in last ? last.outputSize : 0;
  await tf.setBackend('wasm');
  await tf.ready();
  const model = tf.sequential();
  // The backend lacks the kernel of an embedding's gradient, so it is a product with one-hot rows.
  const first = { units: 64, useBias: false, batchInputShape: [batch, steps, classes] };
  model.add(tf.layers.dense(first));
  const plain = { kernelInitializer: 'glorotUniform', recurrentInitializer: 'glorotUniform' };
  model.add(
    tf.layers.lstm({ units: hidden, returnSequences: true, recurrentActivation: 'sigmoid', ...plain }),
  );
  model.add(tf.layers.dense({ units: classes }));
  const optimizer = tf.train.adam(training.learningRate);
  const rowsOf = (ids: Int32Array) => tf.oneHot(tf.tensor1d(ids, 'int32'), classes).toFloat();
  const x = rowsOf(training.batch.x).reshape([batch, steps, classes]);
  const targets = rowsOf(training.batch.targets);
  const lossOf = () =>
    tf.losses.softmaxCrossEntropy(targets, model.apply(x, { training: true }).reshape([-1, classes]));
  const times: number[] = [];
  let loss = Number.NaN;
  for (let i = 0; i <= updates; i++) {
    const start = performance.now();
    loss = tf.tidy(() => optimizer.minimize(lossOf, true).dataSync()[0]!);
    // The first one makes what the others use.
    if (i > 0) times.push(performance.now() - start);
  }
  // Layers of its own start, so only that it learns can be checked: random targets start at about ln of the classes.
  if (!(loss > 0 && loss < Math.log(classes) + 0.1)) throw new Error(`TensorFlow.js has a loss of ${loss}`);
  times.sort((a, b) => a - b);
  const step = { best: times[0]!, median: times[times.length >> 1]! };
  return { version: tf.version.tfjs, backend: 'WebAssembly', hidden, steps, batch, updates, step };
}
