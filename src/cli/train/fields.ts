import { FormatError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { isObject, type Json, type JsonObject } from '../../formats/json.js';

/** An object of a configuration: each field is checked when it is asked for, and those nobody asked for are unknown. */
export class Fields {
  readonly #object: JsonObject;
  readonly #where: string;
  readonly #known = new Set<string>();

  /** @param where the path of the object in the file, '' for the file's own */
  constructor(value: Json | undefined, where: string) {
    if (!isObject(value))
      throw new FormatError(`${where || 'the file'} must be an object, got ${show(value)}.`);
    this.#object = value;
    this.#where = where;
  }

  /** The path of a field, for messages. */
  path(key: string): string {
    return this.#where === '' ? key : `${this.#where}.${key}`;
  }

  has(key: string): boolean {
    this.#known.add(key);
    return this.#object[key] !== undefined;
  }

  value(key: string): Json | undefined {
    this.#known.add(key);
    return this.#object[key];
  }

  fields(key: string): Fields {
    return new Fields(this.value(key), this.path(key));
  }

  text(key: string): string | undefined {
    const value = this.value(key);
    if (value === undefined || (typeof value === 'string' && value !== '')) return value;
    throw this.wrong(key, 'a string with something in it');
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key);
    if (value === undefined || typeof value === 'boolean') return value;
    throw this.wrong(key, 'true or false');
  }

  integer(key: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most)
      return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `within ${least}..${most}`;
    throw this.wrong(key, `a whole number ${range}`);
  }

  /** A number that `fits`; `wanted` says which do. */
  number(key: string, wanted: string, fits: (value: number) => boolean): number | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && fits(value)) return value;
    throw this.wrong(key, wanted);
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.value(key);
    if (value === undefined || choices.includes(value as T)) return value as T | undefined;
    throw this.wrong(key, `one of ${choices.join(', ')}`);
  }

  list<T extends Json>(key: string, wanted: string, fits: (value: Json) => value is T): T[] | undefined {
    const value = this.value(key);
    if (value === undefined || (Array.isArray(value) && value.every(fits))) return value as T[] | undefined;
    throw this.wrong(key, wanted);
  }

  missing(key: string, wanted: string): FormatError {
    return new FormatError(`${this.path(key)} is missing; it must be ${wanted}.`);
  }

  wrong(key: string, wanted: string): FormatError {
    return new FormatError(`${this.path(key)} must be ${wanted}, got ${show(this.#object[key])}.`);
  }

  /** @throws FormatError naming the first field that was not asked for, and those that were */
  end(): void {
    const unknown = Object.keys(this.#object).find((key) => !this.#known.has(key));
    if (unknown === undefined) return;
    const known = [...this.#known].join(', ');
    throw new FormatError(
      `${this.path(unknown)} is unknown; ${this.#where || 'the file'} may have ${known}.`,
    );
  }
}
