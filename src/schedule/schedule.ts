import type { Piece } from '../engine/piece.js';

/** Who does a model's work: the calling thread, a crew of workers, or whichever of the two is quicker. */
export interface Schedule {
  /** how many threads there are for a piece at most */
  readonly threads: number;
  /**
   * Does one piece whose input lies in the run frame. A schedule of one thread is done when it returns.
   * @throws WorkerError when a worker dies meanwhile; the next call works again
   */
  run(piece: Piece): void | Promise<void>;
  /** Ends every worker. A piece in progress is rejected with the error given. */
  dispose(reason: Error): void;
}
