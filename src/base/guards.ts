import { AbortError, ArgumentRangeError, ArgumentTypeError } from './errors.js';

/** Shows a value in an error message without ever printing a page of it. */
export function show(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || value == null) return String(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (ArrayBuffer.isView(value)) {
    const { length } = value as unknown as { length?: number };
    return `${value.constructor.name}(${length ?? value.byteLength})`;
  }
  if (Array.isArray(value)) {
    // Arrays within arrays are only counted: their text grows with their depth.
    const short = value.length <= 8 && !value.some(Array.isArray);
    return short ? `[${value.map(show).join(', ')}]` : `an array of ${value.length}`;
  }
  if (typeof value !== 'object') return `a ${typeof value}`;
  // Asked of the prototype, because an object out of a file can have any `constructor` of its own.
  return `an object (${Object.getPrototypeOf(value)?.constructor?.name ?? 'no prototype'})`;
}

/** Returns `value` when it is an integer within [least, most]; throws TypeError or RangeError naming `what`. */
export function integer(value: unknown, what: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number')
    throw new ArgumentTypeError(`${what} must be an integer, got ${show(value)}.`);
  if (!Number.isInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `within ${least}..${most}`;
    throw new ArgumentRangeError(`${what} must be an integer ${range}, got ${value}.`);
  }
  return value;
}

/** Returns `value` when it is a finite number within [least, most]; throws TypeError or RangeError naming `what`. */
export function number(
  value: unknown,
  what: string,
  least = Number.NEGATIVE_INFINITY,
  most = Number.POSITIVE_INFINITY,
): number {
  if (typeof value !== 'number') throw new ArgumentTypeError(`${what} must be a number, got ${show(value)}.`);
  if (!Number.isFinite(value) || value < least || value > most) {
    const from = least === Number.NEGATIVE_INFINITY ? '' : ` at least ${least}`;
    const range = most === Number.POSITIVE_INFINITY ? from : ` within ${least}..${most}`;
    throw new ArgumentRangeError(`${what} must be a finite number${range}, got ${value}.`);
  }
  return value;
}

/** Throws TypeError when `value` is no object. */
export function object(value: unknown, what: string): void {
  if (value === null || typeof value !== 'object')
    throw new ArgumentTypeError(`${what} must be an object, got ${show(value)}.`);
}

/** Returns `value` when it is one of `choices`. */
export function oneOf<T extends string>(value: unknown, what: string, choices: readonly T[]): T {
  if (typeof value !== 'string')
    throw new ArgumentTypeError(`${what} must be one of ${choices.join(', ')}; got ${show(value)}.`);
  if (!choices.includes(value as T)) {
    throw new ArgumentRangeError(`${what} must be one of ${choices.join(', ')}; got ${show(value)}.`);
  }
  return value as T;
}

/** Throws AbortError when the signal has fired; TypeError when it is no signal. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.aborted !== 'boolean')
    throw new ArgumentTypeError(`signal must be an AbortSignal, got ${show(signal)}.`);
  if (signal?.aborted) throw new AbortError(signal.reason);
}
