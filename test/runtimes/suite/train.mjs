import { createModel } from 'blockrnn';
import { createTrainer, fit as fitModel } from 'blockrnn/train';
import { digest, draw } from './draw.mjs';
import { drawTensors } from './models.mjs';

const steps = 6;
const batch = 4;
const spec = {
  layers: [
    { kind: 'embedding', name: 'embedding', count: 7, size: 5 },
    { kind: 'lstm', name: 'lstm', inputSize: 5, hiddenSize: 24, blocks: 4 },
    { kind: 'gru', name: 'gru', inputSize: 24, hiddenSize: 12, blocks: 12, resetAfter: true },
    { kind: 'linear', name: 'decoder', inputSize: 12, outputSize: 7 },
  ],
};
const options = {
  loss: { kind: 'steps' },
  optimizer: { kind: 'adam' },
  clip: 0.5,
  dropout: 0.1,
  seed: 3,
  kernels: 'simd',
};

/** Training gives the same bytes in every runtime, on one thread and on two. */
export async function checkTraining(check, { threads }) {
  const tensors = drawTensors(spec, 21);
  const source = draw(22);
  const batches = Array.from({ length: 4 }, () => {
    const x = source.integers(steps * batch, 6);
    return { x, targets: x.map((id) => (id * 3 + 1) % 7), steps, batch, carry: true };
  });
  let one;
  await check('training', async () => {
    one = await train(tensors, batches, 1);
    return one;
  });
  if (threads) {
    await check('training, two threads', async () => {
      const two = await train(tensors, batches, 2);
      if (two !== one) throw new Error('two threads give other weights');
    });
  }
  await check('fit', async () => {
    const { tensors: learnt, epochs } = await fitModel({
      ...options,
      spec,
      tensors,
      batches: () => batches,
      epochs: 40,
      learningRate: 0.02,
      dropout: 0,
    });
    if (!(epochs[39].loss < 0.2 * epochs[0].loss)) throw new Error(`nothing learnt: ${epochs[39].loss}`);
    const model = await createModel(spec, learnt, { kernels: 'simd' });
    const { y } = await model.run(batches[0].x, { steps, batch });
    model.dispose();
    return digest(y);
  });
}

async function train(tensors, batches, threads) {
  const trainer = await createTrainer(spec, { ...options, tensors, threads, capacity: { steps, batch } });
  try {
    const losses = [];
    for (const one of batches) losses.push((await trainer.step(one, 0.01)).loss);
    const after = Object.values(trainer.tensors()).map(({ data }) => data);
    return digest(Float64Array.from(losses), ...after);
  } finally {
    trainer.dispose();
  }
}
