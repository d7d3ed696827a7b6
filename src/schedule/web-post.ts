/**
 * What a web worker runs: it says that it is there, gets its contract, says that it is ready, and when all are works
 * until it is dismissed. Greeting first means that no contract is lost to a script that is still being loaded.
 */
import { bindProgram } from '../engine/engine.js';
import { instantiateNow } from '../wasm/instance-now.js';
import { type Contract, prepareShift } from './shift.js';
import type { Word } from './web-workers.js';

interface Scope {
  postMessage(word: Word): void;
  addEventListener(type: 'message', listener: (event: { data: Contract | 'begin' }) => void): void;
}

const scope = globalThis as unknown as Scope;
let shift: () => void = () => {};

scope.addEventListener('message', ({ data }) => {
  if (data === 'begin') {
    shift();
    scope.postMessage('left');
  } else {
    const { module, memory, program, k, n } = data;
    const runner = bindProgram(instantiateNow(module, memory), program, program.run, k, n);
    shift = prepareShift(data, runner, () => scope.postMessage('finished'));
    scope.postMessage('ready');
  }
});
scope.postMessage('here');
