export const type = { name: 'TypeError', code: 'ERR_ARGUMENT_TYPE' };
export const range = { name: 'RangeError', code: 'ERR_ARGUMENT_RANGE' };
export const mismatch = { name: 'MismatchError', code: 'ERR_MISMATCH' };
export const unsupported = { name: 'UnsupportedError', code: 'ERR_UNSUPPORTED' };

/** What is wrong, the error that it gives, and what the message names. */
export type Wrong<T> = [string, T, object, RegExp];
