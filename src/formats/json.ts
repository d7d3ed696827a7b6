/**
 * A JSON reader for files that may be hostile. It refuses what JSON.parse lets through: keys that occur twice
 * (which JSON.parse resolves silently, and other readers otherwise), nesting deep enough to end a stack, and
 * strings that no UTF-8 file can hold. Objects come without a prototype, so "__proto__" is a key like any other.
 */

export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** Makes the error to throw from what is wrong and where (an index into the text). */
export type JsonFailure = (problem: string, at: number) => Error;

const maxDepth = 32;
const maxDigits = 64;
const numeral = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a whole text as one JSON value (RFC 8259).
 * @param keys where given, receives the place of every key of the outermost object
 * @throws what `fail` makes
 */
export function parseJson(text: string, fail: JsonFailure, keys?: Map<string, number>): Json {
  let at = 0;

  const skipSpace = () => {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      at++;
    }
  };

  /** Steps over the next character where it is `sign`. */
  const take = (sign: string): boolean => {
    skipSpace();
    if (text[at] !== sign) return false;
    at++;
    return true;
  };

  const expected = (what: string) => {
    const found = at < text.length ? `found ${JSON.stringify(text[at])}` : 'the text ends';
    return fail(`${what} is expected, but ${found}`, at);
  };

  const parseString = (): string => {
    const start = at++;
    let escaped = false;
    for (;;) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) throw fail('a string does not end', start);
      if (code === 0x22) break;
      if (code < 0x20) throw fail('a string has a bare control character', at);
      if (code === 0x5c) {
        escaped = true;
        at++;
      }
      at++;
    }
    at++;
    if (!escaped) return text.slice(start + 1, at - 1);
    let value: string;
    try {
      value = JSON.parse(text.slice(start, at)) as string;
    } catch {
      throw fail('a string has an escape that JSON does not know', start);
    }
    if (!value.isWellFormed()) throw fail('a string has half a surrogate pair', start);
    return value;
  };

  const parseNumber = (): number => {
    const start = at;
    while (at < text.length && '+-.eE0123456789'.includes(text[at]!)) at++;
    const digits = text.slice(start, at);
    if (digits.length > maxDigits) throw fail(`a number has more than ${maxDigits} characters`, start);
    if (!numeral.test(digits)) {
      at = start;
      throw expected('a JSON value');
    }
    return Number(digits);
  };

  const parseObject = (depth: number): JsonObject => {
    const object: JsonObject = Object.create(null);
    if (take('}')) return object;
    do {
      skipSpace();
      if (text[at] !== '"') throw expected('a key in double quotes');
      const place = at;
      const key = parseString();
      if (key in object)
        throw fail(`the key ${JSON.stringify(key.slice(0, 60))} occurs twice in one object`, place);
      if (depth === 1) keys?.set(key, place);
      if (!take(':')) throw expected('":"');
      object[key] = parseValue(depth);
    } while (take(','));
    if (!take('}')) throw expected('"," or "}"');
    return object;
  };

  const parseArray = (depth: number): Json[] => {
    const array: Json[] = [];
    if (take(']')) return array;
    do array.push(parseValue(depth));
    while (take(','));
    if (!take(']')) throw expected('"," or "]"');
    return array;
  };

  const parseValue = (depth: number): Json => {
    skipSpace();
    const sign = text[at];
    if (sign === '"') return parseString();
    if (sign === '{' || sign === '[') {
      if (depth === maxDepth) throw fail(`values are nested more than ${maxDepth} deep`, at);
      at++;
      return sign === '{' ? parseObject(depth + 1) : parseArray(depth + 1);
    }
    for (const [word, value] of words) {
      if (text.startsWith(word, at)) {
        at += word.length;
        return value;
      }
    }
    return parseNumber();
  };

  const value = parseValue(0);
  skipSpace();
  if (at < text.length) throw expected('nothing more');
  return value;
}

const words: readonly [string, Json][] = [
  ['true', true],
  ['false', false],
  ['null', null],
];
