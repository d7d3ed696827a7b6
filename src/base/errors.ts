/**
 * Every error this package throws on purpose. Each carries a stable `code`; the message says what was
 * found and, where there is one, the cure.
 */

export type ErrorCode =
  | 'ERR_ARGUMENT_TYPE'
  | 'ERR_ARGUMENT_RANGE'
  | 'ERR_DISPOSED'
  | 'ERR_BUSY'
  | 'ERR_FORMAT'
  | 'ERR_UNSUPPORTED'
  | 'ERR_MISMATCH'
  | 'ERR_ABORTED'
  | 'ERR_WORKER'
  | 'ERR_DIVERGED';

/** A caller's mistake about the kind of a value, or about the state of the object that is asked. */
export class ArgumentTypeError extends TypeError {
  override readonly name = 'TypeError';
  constructor(
    message: string,
    readonly code: ErrorCode = 'ERR_ARGUMENT_TYPE',
  ) {
    super(message);
  }
}

/** A caller's mistake about the size or the range of a value. */
export class ArgumentRangeError extends RangeError {
  override readonly name = 'RangeError';
  readonly code: ErrorCode = 'ERR_ARGUMENT_RANGE';
}

/** A file that breaks its own format. `offset` is the byte where it was seen, `tensor` whose bytes they are. */
export class FormatError extends Error {
  override readonly name = 'FormatError';
  readonly code: ErrorCode = 'ERR_FORMAT';
  readonly offset: number | undefined;
  readonly tensor: string | undefined;
  constructor(message: string, where: { offset?: number; tensor?: string; cause?: unknown } = {}) {
    super(message, 'cause' in where ? { cause: where.cause } : undefined);
    this.offset = where.offset;
    this.tensor = where.tensor;
  }
}

/** Valid input that this version does not do. `feature` names it in a few stable words. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError';
  readonly code: ErrorCode = 'ERR_UNSUPPORTED';
  constructor(
    message: string,
    readonly feature: string,
  ) {
    super(message);
  }
}

/** A spec and its tensors disagree. The message says what each of the two claims. */
export class MismatchError extends Error {
  override readonly name = 'MismatchError';
  readonly code: ErrorCode = 'ERR_MISMATCH';
}

/** The caller's `AbortSignal` fired; `cause` is the signal's reason. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code: ErrorCode = 'ERR_ABORTED';
  constructor(reason?: unknown) {
    super('The operation was aborted by its signal.', { cause: reason });
  }
}

/** A worker thread died during a run. The run had no effect; the next one hires a new crew. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  readonly code: ErrorCode = 'ERR_WORKER';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** A training step whose loss or gradient is not a number. The weights are those from before the step. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  readonly code: ErrorCode = 'ERR_DIVERGED';
}
