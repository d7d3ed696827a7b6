import type { FitOptions, FitResult } from '#dist/train/types.js';

/** The package's own trainer; brought in when the first run begins, so that all else works without it. */
export async function loadFit(): Promise<(options: FitOptions) => Promise<FitResult>> {
  const door = new URL('../../../dist/train.js', import.meta.url).href;
  return ((await import(door)) as { fit(options: FitOptions): Promise<FitResult> }).fit;
}
