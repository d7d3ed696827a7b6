import { ArgumentRangeError, UnsupportedError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { type FullFunc, type Func, type FunctionName, fullFunc, functions } from '../../model/functions.js';
import type { ActivationSpec } from '../../model/spec.js';

/** An activation of a layer of its own: element by element, or over all features. */
export type Activation = Func | 'softmax' | 'logSoftmax';

/** Keras's names for functions that have the same values in each of its versions. */
const same: Readonly<Record<string, Activation>> = {
  linear: 'identity',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  relu: 'relu',
  softsign: 'softsign',
  softplus: 'softplus',
  silu: 'silu',
  swish: 'silu',
  elu: 'elu',
  gelu: 'gelu',
  softmax: 'softmax',
  log_softmax: 'logSoftmax',
};

/**
 * The function that Keras calls so.
 * @param version Keras's first number, which hard_sigmoid and leaky_relu depend on; undefined where nobody says it
 * @throws UnsupportedError for a function that is not known
 */
export function activationOf(name: string, version: number | undefined): Activation {
  if (Object.hasOwn(same, name)) return same[name]!;
  if (name === 'hard_sigmoid' || name === 'leaky_relu') {
    if (version === undefined) {
      throw new UnsupportedError(
        `what ${name} is depends on the version of Keras, which the file does not say. Give it as keras_version in the ` +
          'config, or the function itself: hardSigmoid, leakyRelu.',
        `activation ${name}`,
      );
    }
    // keras/src/activations/activations.py: relu6(x + 3) / 6 and 0.2 since Keras 3; before it 0.2 x + 0.5 and 0.3.
    if (name === 'leaky_relu') return { function: 'leakyRelu', alpha: version >= 3 ? 0.2 : 0.3 };
    return { function: 'hardSigmoid', alpha: version >= 3 ? 1 / 6 : 0.2, beta: 0.5 };
  }
  throw new UnsupportedError(
    `the activation ${show(name)} is not done; these are: ${Object.keys(same).join(', ')}, hard_sigmoid, leaky_relu.`,
    'activation',
  );
}

/** A function that a caller names, by Keras's name or by this package's. */
export function namedActivation(name: string): Activation {
  if (Object.hasOwn(functions, name)) return name as FunctionName;
  if (name === 'logSoftmax' || Object.hasOwn(same, name)) return same[name] ?? 'logSoftmax';
  const known = [...new Set([...Object.keys(same), ...Object.keys(functions)])].join(', ');
  throw new ArgumentRangeError(`the activation ${show(name)} is none of ${known}.`);
}

/** A function of a cell's gates: softmax is none. */
export function gateFunction(activation: Activation, where: string): Func {
  if (activation !== 'softmax' && activation !== 'logSoftmax') return activation;
  throw new UnsupportedError(`${where}: ${activation} inside a recurrent layer is not done.`, 'activation');
}

/** The fields of an activation's layer. */
export function activationFields(activation: Activation): Omit<ActivationSpec, 'kind' | 'name'> {
  if (typeof activation === 'string') return { activation };
  const full: FullFunc = fullFunc(activation);
  const taken = functions[full.function].length;
  return {
    activation: full.function,
    ...(taken > 0 ? { alpha: full.alpha } : {}),
    ...(taken > 1 ? { beta: full.beta } : {}),
  };
}
