import { untilAborted } from '../base/abort.js';
import { checkSignal } from '../base/guards.js';
import { createArena } from '../memory/arena.js';
import { checkSpec } from '../model/check.js';
import type { ModelSpec } from '../model/spec.js';
import type { Tensors } from '../model/tensors.js';
import { type Hire, scheduleCrew } from '../schedule/crew.js';
import { scheduleSolo } from '../schedule/solo.js';
import { hireWebWorkers } from '../schedule/web-workers.js';
import { countThreads } from '../session/threads.js';
import { chooseKernels } from '../wasm/features.js';
import { findInstantiate } from '../wasm/instance.js';
import { loadTrainBinary } from '../wasm/train-binaries.js';
import type { TrainKernels } from '../wasm/train-registry.js';
import { type InitOptions, initTensors } from './init.js';
import { checkTrainerOptions } from './options.js';
import { bindTraining } from './passes/engine.js';
import { checkNames, placeConstants } from './plan/place.js';
import { planTraining } from './plan/plan.js';
import type { TrainProgram } from './plan/program.js';
import { Trainer } from './trainer.js';
import type { TrainerOptions } from './types.js';

/** What differs between runtimes. */
export interface TrainPlatform {
  /** Hires worker threads; undefined where there are none. */
  hire: Hire<TrainProgram> | undefined;
  /** how many threads the machine runs at a time */
  cores(): number;
}

/** Makes a trainer on a platform; see the front door. */
export async function openTrainer(
  platform: TrainPlatform,
  spec: ModelSpec,
  options: TrainerOptions,
): Promise<Trainer> {
  const checked = checkSpec(spec);
  const { seed, ...sizes } = checkTrainerOptions(options);
  const { signal, createWorker } = options;
  const kernels = chooseKernels(options.kernels ?? 'auto');
  const hire = createWorker === undefined ? platform.hire : hireWebWorkers<TrainProgram>(createWorker);
  const threads = countThreads(options.threads ?? 1, hire !== undefined, platform.cores);
  const shared = threads > 1;
  const program = planTraining(checked, { ...sizes, workers: threads });
  checkNames(program);
  const module = await untilAborted(loadTrainBinary(shared ? `${kernels}-shared` : kernels), signal);
  const instantiate = await untilAborted(findInstantiate(module), signal);
  const arena = createArena(program.bytes, shared);
  placeConstants(arena, program, checked);
  const workers = shared
    ? scheduleCrew(hire!, module, program, arena, threads)
    : scheduleSolo(
        bindTraining(instantiate(module, arena.memory) as TrainKernels, program, arena.memory, 0, 1),
      );
  const trainer = new Trainer({ spec: checked, program, arena, workers, kernels, seed });
  try {
    const tensors = options.tensors ?? firstTensors(checked, program, seed, options.init);
    await untilAborted(trainer.begin(tensors), signal);
    checkSignal(signal);
    return trainer;
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}

/** Weights to start from; tied ones are the embedding's. */
function firstTensors(spec: ModelSpec, program: TrainProgram, seed: number, init?: InitOptions): Tensors {
  const tensors = initTensors(spec, seed, init);
  for (const { names } of program.params) {
    const [first, second] = names;
    if (second !== undefined) tensors[second] = tensors[first!]!;
  }
  return tensors;
}
