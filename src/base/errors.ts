/**
 * Every error this package throws on purpose. Each carries a stable `code`; the message says what was
 * found and, where there is one, the cure.
 */

/**
 * What `code` of an error can be. It stays the same where a message changes. ERR_ARGUMENT_TYPE, ERR_DISPOSED and ERR_BUSY
 * are of a TypeError, ERR_ARGUMENT_RANGE is of a RangeError; the other classes have one each.
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
  /** always 'ERR_FORMAT' */
  readonly code: ErrorCode = 'ERR_FORMAT';
  /** byte of the file, from its beginning; undefined where it is not about one place */
  readonly offset: number | undefined;
  /** name of the tensor whose bytes they are, if they are any's */
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
  /** always 'ERR_UNSUPPORTED' */
  readonly code: ErrorCode = 'ERR_UNSUPPORTED';
  constructor(
    message: string,
    /** what is not done, in a few words that stay the same: 'dtype I64', 'native version' */
    readonly feature: string,
  ) {
    super(message);
  }
}

/** A spec and its tensors disagree. The message says what each of the two claims. */
export class MismatchError extends Error {
  override readonly name = 'MismatchError';
  /** always 'ERR_MISMATCH' */
  readonly code: ErrorCode = 'ERR_MISMATCH';
}

/** The caller's `AbortSignal` fired; `cause` is the signal's reason. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  /** always 'ERR_ABORTED' */
  readonly code: ErrorCode = 'ERR_ABORTED';
  constructor(reason?: unknown) {
    super('The operation was aborted by its signal.', { cause: reason });
  }
}

/** A worker thread died during a run. The run had no effect; the next one hires a new crew. */
export class WorkerError extends Error {
  override readonly name = 'WorkerError';
  /** always 'ERR_WORKER' */
  readonly code: ErrorCode = 'ERR_WORKER';
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
  }
}

/** A training step whose loss or gradient is not a number. The weights are those from before the step. */
export class DivergedError extends Error {
  override readonly name = 'DivergedError';
  /** always 'ERR_DIVERGED' */
  readonly code: ErrorCode = 'ERR_DIVERGED';
}
