import { bindProgram } from '../engine/engine.js';
import { bindGraph } from '../engine/graph.js';
import { instantiate } from '../wasm/instance.js';
import { type Contract, prepareShift } from './shift.js';

/** The task of a Piscina worker: get ready, answer, then work until it is dismissed. */
export default async function takePost(contract: Contract): Promise<void> {
  const { module, memory, program, k, n } = contract;
  const kernels = await instantiate(module, memory);
  const shift = prepareShift(contract, bindProgram(kernels, memory, program, program.run, k, n, bindGraph));
  // By the time of an immediate the answer has been posted.
  setImmediate(shift);
}
