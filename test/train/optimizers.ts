/** Optimisers in f64, written from the equations in PyTorch's documentation, one weight after the other. */

export type PlainOptimizer =
  | { kind: 'sgd'; momentum?: number; nesterov?: boolean; weightDecay?: number }
  | { kind: 'adam' | 'adamw'; beta1?: number; beta2?: number; epsilon?: number; weightDecay?: number };

/** Of each vector of weights two vectors that an optimiser keeps between steps. */
export interface Kept {
  first: Float64Array;
  second: Float64Array;
}

/**
 * Changes `weights` by one step.
 * @param kept zeros before the first step
 * @param step 1, 2, …
 */
export function optimize(
  optimizer: PlainOptimizer,
  weights: Float64Array,
  gradient: Float64Array,
  { first, second }: Kept,
  rate: number,
  step: number,
): void {
  const { weightDecay = 0 } = optimizer;
  for (const [i, w] of weights.entries()) {
    const g = gradient[i]! + (optimizer.kind === 'adamw' ? 0 : weightDecay * w);
    if (optimizer.kind === 'sgd') {
      // torch.optim.SGD: the first step's velocity is the gradient, which zeros before it amount to.
      const { momentum = 0, nesterov = false } = optimizer;
      first[i] = momentum * first[i]! + g;
      weights[i] = w - rate * (nesterov ? g + momentum * first[i]! : first[i]!);
    } else {
      const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = optimizer;
      first[i] = beta1 * first[i]! + (1 - beta1) * g;
      second[i] = beta2 * second[i]! + (1 - beta2) * g * g;
      const mean = first[i]! / (1 - beta1 ** step);
      const square = second[i]! / (1 - beta2 ** step);
      const decayed = optimizer.kind === 'adamw' ? w * (1 - rate * weightDecay) : w;
      weights[i] = decayed - (rate * mean) / (Math.sqrt(square) + epsilon);
    }
  }
}

/** The length of all gradients taken as one vector. */
export function normOf(gradients: Iterable<Float64Array>): number {
  let sum = 0;
  for (const gradient of gradients) for (const g of gradient) sum += g * g;
  return Math.sqrt(sum);
}
