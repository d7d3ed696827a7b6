import { type Contract, prepareShift } from './shift.js';

/** The task of a Piscina worker: get ready, answer, then work until the thread ends. */
export default async function takePost(contract: Contract): Promise<void> {
  const shift = await prepareShift(contract);
  // By the time of an immediate the answer has been posted.
  setImmediate(shift);
}
