import type { Path } from '../motion/path.js';

/** by the class of the network */
export const gestures: readonly string[];

/** @returns the probability of each gesture */
export function openNamer(url: string): Promise<(path: Path) => Promise<number[]>>;
