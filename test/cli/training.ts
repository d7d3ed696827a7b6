import { AbortError } from '#dist/base/errors.js';
import type { Training } from '#dist/cli/train/training.js';
import type { Json } from '#dist/formats/json.js';
import type { ModelSpec } from '#dist/model/spec.js';
import { layerTensors, type Tensors } from '#dist/model/tensors.js';
import type { Batch, FitOptions } from '#dist/train/types.js';

export interface Played {
  training: Training;
  /** the options of every fit */
  fits: FitOptions[];
  /** every batch that was learnt from, as the numbers of its input */
  batches: number[][];
}

/**
 * Plays a training: it learns nothing, but goes through the batches, reports, keeps checkpoints and goes on with them as
 * fit does. A checkpoint is the number of steps and that of epochs done.
 * @param onStep is told of every step before it is reported, and of every validation
 */
export function playTraining(onStep: (step: number | 'validation') => void = () => {}): Played {
  const played: Played = { training: undefined as never, fits: [], batches: [] };
  played.training = {
    async fit(options) {
      played.fits.push(options);
      const kept = new TextDecoder().decode(options.resume ?? new TextEncoder().encode('0 0'));
      const [done, epochsDone] = kept.split(' ').map(Number) as [number, number];
      let step = 0;
      let over = epochsDone;
      const save = () => options.checkpoint?.save(new TextEncoder().encode(`${step} ${over}`));
      const heed = async () => {
        if (!options.signal?.aborted) return;
        await save();
        throw new AbortError(options.signal.reason);
      };
      for (let epoch = 0; epoch < options.epochs; epoch++) {
        const from = step;
        for await (const batch of options.batches(epoch)) {
          if (step < done) {
            step++;
            continue;
          }
          onStep(step + 1);
          await heed();
          step++;
          played.batches.push([...batch.x]);
          const count = countOf(batch);
          const { learningRate } = options;
          options.onStep?.({
            step,
            epoch,
            loss: 2 / step,
            count,
            hits: 0,
            norm: 1,
            tokensPerSecond: 1000,
            learningRate:
              typeof learningRate === 'number'
                ? learningRate
                : learningRate({ step, epoch, steps: options.epochs * options.epochSteps!, validations: [] }),
          });
        }
        if (epoch < epochsDone) continue;
        onStep('validation');
        await heed();
        const validation = options.validate && (await scoreAll(options.validate()));
        over = epoch + 1;
        await options.onEpoch?.({
          epoch,
          loss: 2 / step,
          validation,
          seconds: step - from,
          isBest: epoch !== 1,
        });
        await save();
      }
      return { spec: options.spec, tensors: tensorsOf(options.spec), steps: step, epochs: [] };
    },
    async createTrainer() {
      return { evaluate: async (batch) => scoreOf(batch), dispose() {} };
    },
    scheduleOf(json: Json) {
      const { kind } = json as { kind: string };
      if (kind !== 'half') throw new RangeError(`schedule.kind must be half, got ${kind}.`);
      return ({ step, steps }) => steps! / 2 ** step;
    },
  };
  return played;
}

function countOf({ targets }: Batch): number {
  return targets.length;
}

function scoreOf(batch: Batch) {
  const count = countOf(batch);
  return { loss: Math.LN2, count, hits: Math.floor(count / 2) };
}

async function scoreAll(batches: Iterable<Batch> | AsyncIterable<Batch>) {
  const sum = { loss: Math.LN2, count: 0, hits: 0 };
  for await (const batch of batches) {
    const { count, hits } = scoreOf(batch);
    sum.count += count;
    sum.hits += hits;
  }
  return sum;
}

/** Weights that differ, so that a file can be told from another. */
function tensorsOf(spec: ModelSpec): Tensors {
  const tensors: Tensors = {};
  for (const layer of spec.layers) {
    for (const [name, shape] of Object.entries(layerTensors(layer))) {
      const length = shape.reduce((product, size) => product * size, 1);
      tensors[name] = { shape, data: Float32Array.from({ length }, (_, i) => Math.sin(i + name.length) / 4) };
    }
  }
  return tensors;
}
