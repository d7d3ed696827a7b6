import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { integer, number, oneOf, show } from '../base/guards.js';

/** No size in a spec may be larger: products of three of them then stay exact in a double. */
export const maxSize = 2 ** 17;

/** The fields of a layer that may come from anywhere, read one by one; every error names the layer and the field. */
export class Given {
  constructor(
    readonly fields: Record<string, unknown>,
    /** how messages call the layer */
    readonly where: string,
  ) {}

  has(field: string): boolean {
    return this.fields[field] !== undefined;
  }

  what(field: string): string {
    return `${this.where}: ${field}`;
  }

  /** A size, 1..131072. */
  size(field: string): number {
    return integer(this.fields[field], this.what(field), 1, maxSize);
  }

  /** A size that divides others, 1 when it is not there. */
  divisor(field: string, sizes: Readonly<Record<string, number>>): number {
    if (!this.has(field)) return 1;
    const divisor = this.size(field);
    for (const [name, size] of Object.entries(sizes))
      if (size % divisor !== 0)
        throw new ArgumentRangeError(
          `${this.what(field)} must divide ${name}; ${divisor} does not divide ${size}.`,
        );
    return divisor;
  }

  number(field: string, least?: number, most?: number): number {
    return number(this.fields[field], this.what(field), least, most);
  }

  flag(field: string, otherwise: boolean): boolean {
    const value = this.fields[field];
    if (value === undefined) return otherwise;
    if (typeof value !== 'boolean')
      throw new ArgumentTypeError(`${this.what(field)} must be true or false, got ${show(value)}.`);
    return value;
  }

  oneOf<T extends string>(field: string, choices: readonly T[], otherwise?: T): T {
    return oneOf(this.fields[field] ?? otherwise, this.what(field), choices);
  }
}
