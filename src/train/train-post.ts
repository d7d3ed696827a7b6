import { type Contract, prepareShift } from '../schedule/shift.js';
import { instantiate } from '../wasm/instance.js';
import type { TrainKernels } from '../wasm/train-registry.js';
import { bindTraining } from './passes/engine.js';
import type { TrainProgram } from './plan/program.js';

/** The task of a Piscina worker that trains: get ready, answer, then work until it is dismissed. */
export default async function takePost(contract: Contract<TrainProgram>): Promise<void> {
  const { module, memory, program, k, n } = contract;
  const kernels = (await instantiate(module, memory)) as TrainKernels;
  const shift = prepareShift(contract, bindTraining(kernels, program, memory, k, n));
  // By the time of an immediate the answer has been posted.
  setImmediate(shift);
}
