import type { Runner } from '../engine/piece.js';
import { type Contract, prepareShift, type Signalled } from './shift.js';
import type { Word } from './web-workers.js';

interface Scope<P extends Signalled> {
  postMessage(word: Word): void;
  addEventListener(type: 'message', listener: (event: { data: Contract<P> | 'begin' }) => void): void;
}

/**
 * What a web worker does: it says that it is there, gets its contract, says that it is ready, and when all are works
 * until it is dismissed. Greeting first means that no contract is lost to a script that is still being loaded.
 * @param bind gives this worker's share of a contract's program
 */
export function takeWebPost<P extends Signalled>(bind: (contract: Contract<P>) => Runner): void {
  const scope = globalThis as unknown as Scope<P>;
  let shift: () => void = () => {};
  scope.addEventListener('message', ({ data }) => {
    if (data === 'begin') {
      shift();
      scope.postMessage('left');
    } else {
      shift = prepareShift(data, bind(data), () => scope.postMessage('finished'));
      scope.postMessage('ready');
    }
  });
  scope.postMessage('here');
}
