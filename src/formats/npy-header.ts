import { FormatError, UnsupportedError } from '../base/errors.js';

export interface NpyHeader {
  descr: string;
  fortranOrder: boolean;
  shape: number[];
}

/** NumPy's own limit on the number of axes, since version 2. */
const maxAxes = 64;

/**
 * Reads the header of a .npy file: a Python dict literal with exactly the keys descr, fortran_order and shape.
 * Only what such a header can hold is understood, and nothing is evaluated:
 *
 *   dict  = "{" key ":" value { "," key ":" value } [ "," ] "}"
 *   value = string | "True" | "False" | "(" [ integer { "," integer } [ "," ] ] ")"
 *
 * @param start where the header lies in its file, for the errors' offsets
 * @throws FormatError, or UnsupportedError for a structured dtype
 */
export function parseNpyHeader(bytes: Uint8Array, start: number): NpyHeader {
  let at = 0;
  const peek = () => (at < bytes.length ? String.fromCharCode(bytes[at]!) : '');
  const fail = (problem: string) =>
    new FormatError(`the .npy header is broken at byte ${start + at}: ${problem}.`, { offset: start + at });
  const skipSpace = () => {
    while (at < bytes.length && ' \t\r\n'.includes(peek())) at++;
  };
  const take = (sign: string): boolean => {
    skipSpace();
    if (peek() !== sign) return false;
    at++;
    return true;
  };
  const expect = (sign: string) => {
    if (!take(sign))
      throw fail(
        `"${sign}" is expected, ${at < bytes.length ? `found ${JSON.stringify(peek())}` : 'it ends'}`,
      );
  };
  /** Steps over letters, digits and underscores and returns them. */
  const word = (most: number): string => {
    skipSpace();
    const begin = at;
    while (at < bytes.length && at - begin <= most && /\w/.test(peek())) at++;
    return String.fromCharCode(...bytes.subarray(begin, at));
  };
  const parseString = (): string => {
    skipSpace();
    const quote = peek();
    if (quote !== "'" && quote !== '"') throw fail('a string is expected');
    const begin = ++at;
    while (peek() !== quote) {
      const byte = bytes[at];
      if (byte === undefined || at - begin > 100) throw fail('a string does not end');
      if (byte < 0x20 || byte > 0x7e || byte === 0x5c)
        throw fail('a string has a character that no header needs');
      at++;
    }
    return String.fromCharCode(...bytes.subarray(begin, at++));
  };
  const parseShape = (): number[] => {
    const shape: number[] = [];
    expect('(');
    while (!take(')')) {
      if (shape.length === maxAxes) throw fail(`shape has more than ${maxAxes} axes`);
      const digits = word(20);
      // Python 2 wrote its long integers with an L behind them.
      const size = /^\d+L?$/.test(digits) ? Number.parseInt(digits, 10) : Number.NaN;
      if (!Number.isSafeInteger(size)) throw fail('a size in shape must be a whole number of at least 0');
      shape.push(size);
      if (take(',')) continue;
      // (3) is a number in Python, not a tuple.
      if (shape.length === 1) throw fail('a shape of one axis is written with a comma: (3,)');
      expect(')');
      break;
    }
    return shape;
  };

  const found: Partial<NpyHeader> = {};
  expect('{');
  while (!take('}')) {
    const key = parseString();
    const field = key === 'fortran_order' ? 'fortranOrder' : key;
    if (field !== 'descr' && field !== 'fortranOrder' && field !== 'shape') {
      throw fail(`${JSON.stringify(key)} is none of the keys descr, fortran_order and shape`);
    }
    if (field in found) throw fail(`the key ${JSON.stringify(key)} occurs twice`);
    expect(':');
    skipSpace();
    if (field === 'descr') {
      if (peek() === '[') {
        throw new UnsupportedError(
          'the .npy file holds records; only arrays of numbers are read.',
          'npy structured dtype',
        );
      }
      found.descr = parseString();
    } else if (field === 'shape') {
      found.shape = parseShape();
    } else {
      const value = word(5);
      if (value !== 'True' && value !== 'False') throw fail('fortran_order must be True or False');
      found.fortranOrder = value === 'True';
    }
    if (!take(',')) {
      expect('}');
      break;
    }
  }
  skipSpace();
  if (at < bytes.length) throw fail('nothing more is expected');
  const { descr, fortranOrder, shape } = found;
  if (descr === undefined || fortranOrder === undefined || shape === undefined) {
    const missing = descr === undefined ? 'descr' : shape === undefined ? 'shape' : 'fortran_order';
    throw fail(`the key '${missing}' is missing`);
  }
  return { descr, fortranOrder, shape };
}
