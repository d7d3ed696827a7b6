/** 1048576 → 1,048,576 */
export function count(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Three digits or so: 0.0123, 1.23, 12.3, 123, 1,234. */
export function measure(value: number): string {
  if (value >= 100) return count(value);
  return Number(value.toPrecision(3)).toString();
}

/** A time with the unit that suits it. */
export function duration(seconds: number): string {
  if (seconds >= 1) return `${measure(seconds)} s`;
  if (seconds >= 1e-3) return `${measure(seconds * 1e3)} ms`;
  return `${measure(seconds * 1e6)} µs`;
}

/** 1206788 → 1.21 MB */
export function size(bytes: number): string {
  if (bytes >= 1e6) return `${measure(bytes / 1e6)} MB`;
  return bytes >= 1e3 ? `${measure(bytes / 1e3)} kB` : `${bytes} bytes`;
}

export function plural(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** The one in the middle. */
export function median(values: readonly number[] | Float64Array): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
