import { instantiate } from '../wasm/instance.js';
import { type Contract, prepareShift } from './shift.js';

/** The task of a Piscina worker: get ready, answer, then work until it is dismissed. */
export default async function takePost(contract: Contract): Promise<void> {
  const shift = prepareShift(contract, await instantiate(contract.module, contract.memory));
  // By the time of an immediate the answer has been posted.
  setImmediate(shift);
}
