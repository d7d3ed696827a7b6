import { show } from '../base/guards.js';
import type { KernelSet } from '../wasm/features.js';
import { UsageError } from './usage-error.js';

/** The values of a command line that has been parsed; each is checked when it is asked for. */
export class Arguments {
  constructor(
    readonly values: Readonly<Record<string, string | boolean | undefined>>,
    readonly operands: readonly string[],
  ) {}

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws UsageError when it was not given */
  required(name: string, label = `--${name}`): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`${label} is missing`);
    return value;
  }

  /** A whole number within [least, most]. */
  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new UsageError(`--${name} must be a whole number${range(least, most)}, got ${show(text)}`);
  }

  /** A finite number of at least `least`. */
  number(name: string, least: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    if (Number.isFinite(value) && value >= least) return value;
    throw new UsageError(`--${name} must be a number of at least ${least}, got ${show(text)}`);
  }

  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined || choices.includes(text as T)) return text as T | undefined;
    throw new UsageError(`--${name} must be one of ${choices.join(', ')}, got ${show(text)}`);
  }

  /** A whole number within [least, most], or 'auto'. */
  integerOrAuto(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | 'auto' | undefined {
    const text = this.text(name);
    if (text === undefined || text === 'auto') return text;
    if (/^[+-]?\d+$/.test(text) && Number(text) >= least && Number(text) <= most) return Number(text);
    throw new UsageError(`--${name} must be auto or a whole number${range(least, most)}, got ${show(text)}`);
  }

  threads(): number | 'auto' | undefined {
    return this.integerOrAuto('threads', 1, 64);
  }

  kernels(): 'auto' | KernelSet {
    return this.choice('kernels', ['auto', 'simd', 'relaxed']) ?? 'auto';
  }
}

function range(least: number, most: number): string {
  if (most < Number.MAX_SAFE_INTEGER) return ` within ${least}..${most}`;
  return least > Number.MIN_SAFE_INTEGER ? ` of at least ${least}` : '';
}
