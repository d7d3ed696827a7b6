import { ArgumentRangeError, ArgumentTypeError } from '../base/errors.js';
import { checkSignal, integer, number, object, oneOf, show } from '../base/guards.js';
import type { TrainingSizes } from './plan/params.js';
import type { Loss, Optimizer, TrainerOptions } from './types.js';

const mostRows = 2 ** 24;
/** above what f32 takes for 0 */
const leastEpsilon = 1e-37;

/**
 * Checks the options of a trainer and writes every default out.
 * @throws TypeError, RangeError naming the field
 */
export function checkTrainerOptions(
  options: TrainerOptions,
): Omit<TrainingSizes, 'workers'> & { seed: number } {
  object(options, 'options');
  checkSignal(options.signal);
  object(options.capacity, 'capacity');
  const steps = integer(options.capacity.steps, 'capacity.steps', 1, mostRows);
  const batch = integer(options.capacity.batch, 'capacity.batch', 1, mostRows);
  if (steps * batch > mostRows) {
    throw new ArgumentRangeError(
      `capacity: steps · batch must be at most ${mostRows}, got ${steps * batch}.`,
    );
  }
  const dropout = number(options.dropout ?? 0, 'dropout', 0, 1);
  if (dropout === 1) throw new ArgumentRangeError('dropout must be below 1, or nothing is left.');
  const clip = options.clip === undefined ? Number.POSITIVE_INFINITY : number(options.clip, 'clip', 0);
  return {
    loss: checkLoss(options.loss),
    optimizer: checkOptimizer(options.optimizer),
    clip,
    dropout,
    tie: flag(options.tie, 'tie'),
    capacity: { steps, batch },
    seed: integer(options.seed ?? 0, 'seed', Number.MIN_SAFE_INTEGER),
  };
}

function checkLoss(loss: unknown): Loss {
  object(loss, 'loss');
  const { kind, pool } = loss as { kind: unknown; pool: unknown };
  const checked = oneOf(kind, 'loss.kind', ['steps', 'sequence', 'ctc']);
  if (checked !== 'sequence') return { kind: checked };
  return { kind: checked, pool: oneOf(pool, 'loss.pool', ['last', 'mean']) };
}

function checkOptimizer(optimizer: unknown): Required<Optimizer> {
  object(optimizer, 'optimizer');
  const given = optimizer as Record<string, unknown>;
  const kind = oneOf(given.kind, 'optimizer.kind', ['sgd', 'adam', 'adamw']);
  const field = (name: string, otherwise: number, most: number) =>
    number(given[name] ?? otherwise, `optimizer.${name}`, 0, most);
  if (kind === 'sgd') {
    const momentum = field('momentum', 0, 1);
    const dampening = field('dampening', 0, 1);
    const nesterov = flag(given.nesterov, 'optimizer.nesterov');
    if (nesterov && (momentum === 0 || dampening > 0))
      throw new ArgumentRangeError('optimizer.nesterov needs a momentum and no dampening.');
    return { kind, momentum, dampening, nesterov, weightDecay: field('weightDecay', 0, 1e9) };
  }
  const beta = (name: string, otherwise: number) => {
    const value = field(name, otherwise, 1);
    if (Math.fround(value) < 1) return value;
    throw new ArgumentRangeError(`optimizer.${name} must be below 1, in f32 too, got ${value}.`);
  };
  return {
    kind,
    beta1: beta('beta1', 0.9),
    beta2: beta('beta2', 0.999),
    // With none, a weight that has had no gradient would be divided 0 by 0.
    epsilon: number(given.epsilon ?? 1e-8, 'optimizer.epsilon', leastEpsilon, 1e9),
    // torch.optim: Adam decays nothing by default, AdamW a hundredth.
    weightDecay: field('weightDecay', kind === 'adamw' ? 0.01 : 0, 1e9),
  };
}

function flag(value: unknown, what: string): boolean {
  if (value !== undefined && typeof value !== 'boolean')
    throw new ArgumentTypeError(`${what} must be true or false, got ${show(value)}.`);
  return value ?? false;
}
