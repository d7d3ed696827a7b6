import { MismatchError } from '../../base/errors.js';
import { isKeras } from './keras-names.js';
import { isTensorflow } from './tensorflow.js';

type Shapes = ReadonlyMap<string, readonly number[]>;

/**
 * What gives an origin away: arrays that no other origin has, save that a cell of Keras has the name of one of
 * TensorFlow's; there the recurrent_kernel beside its kernel decides.
 */
const signs = {
  pytorch: (shapes: Shapes) => some(shapes, /(?:^|\.)weight_hh_l\d{1,6}(?:_reverse)?$/, 2),
  tensorflow: (shapes: Shapes) => !isKeras(shapes.keys()) && isTensorflow(shapes.keys()),
  keras: (shapes: Shapes) => isKeras(shapes.keys()),
  flashrnn: (shapes: Shapes) => some(shapes, /(?:^|[./])R$/, 4),
  xlstm: (shapes: Shapes) => some(shapes, /(?:^|\.)_recurrent_kernel_$/, 3),
  dreamerv3: (shapes: Shapes) => some(shapes, /(?:^|\/)dyngru\/kernel$/, 3),
} as const;

/** Where a file of weights comes from: whose names and layouts it has. */
export type Origin = keyof typeof signs;

/** All of them, in the order in which they are named to a reader. */
export const origins = Object.keys(signs) as Origin[];

/**
 * Tells by names and shapes where arrays come from.
 * @returns undefined when nothing gives it away
 * @throws MismatchError when more than one origin has such arrays
 */
export function findOrigin(shapes: Shapes): Origin | undefined {
  const found = origins.filter((origin) => signs[origin](shapes));
  if (found.length < 2) return found[0];
  throw new MismatchError(
    `the arrays have the names of ${found.join(' and ')}. Say which of them it is with the option from.`,
  );
}

/** Whether there is an array of such a name and so many axes. */
function some(shapes: Shapes, pattern: RegExp, axes: number): boolean {
  return [...shapes].some(([name, shape]) => shape.length === axes && pattern.test(name));
}
