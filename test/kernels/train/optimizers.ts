import { expect } from 'vitest';
import { UNDERFLOW, UNIT_ROUNDOFF } from '../../oracle/tolerance.js';
import { within } from '../check.js';
import type { TrainCheck } from './rows.js';

const u = UNIT_ROUNDOFF;

export const optimizerChecks = {
  sgd_f32: ((ground, draw) => {
    const count = draw.integer(0, 21);
    const [w, g, v] = [draw.values(count), draw.values(count, draw.pick([1e-6, 1, 100])), draw.values(count)];
    const rate = draw.pick([1e-3, 0.1, 20]);
    const momentum = draw.pick([0, 0.9]);
    const dampening = draw.pick([0, 0.1]);
    const decay = draw.pick([0, 1e-4, 0.1]);
    const scale = draw.pick([1, 0.37]);
    const [nesterov, first] = [draw.pick([0, 1]), draw.pick([0, 1])];
    const [wAt, gAt, vAt] = [ground.place(w), ground.place(g), ground.place(v)];
    const settings = [rate, momentum, dampening, decay, scale, nesterov, first];
    ground.kernels.sgd_f32(wAt, gAt, vAt, count, ...settings);
    const [velocities, velocityErrors] = [new Float64Array(count), new Float64Array(count)];
    const [weights, weightErrors] = [new Float64Array(count), new Float64Array(count)];
    for (let i = 0; i < count; i++) {
      const d = g[i]! * scale + decay * w[i]!;
      // Each product has the rounding of a setting, of itself and of the additions that follow.
      let size = Math.abs(g[i]! * scale) + Math.abs(decay * w[i]!);
      let step = d;
      velocities[i] = v[i]!;
      if (momentum !== 0) {
        velocities[i] = first ? d : momentum * v[i]! + (1 - dampening) * d;
        const velocitySize = first ? size : Math.abs(momentum * v[i]!) + size;
        velocityErrors[i] = 7 * u * velocitySize + 4 * UNDERFLOW;
        step = nesterov ? d + momentum * velocities[i]! : velocities[i]!;
        size = nesterov ? size + momentum * velocitySize : velocitySize;
      }
      weights[i] = w[i]! - rate * step;
      weightErrors[i] = 13 * u * rate * size + u * Math.abs(weights[i]!) + 8 * (1 + rate) * UNDERFLOW;
    }
    within(ground.read(vAt, count), velocities, velocityErrors);
    within(ground.read(wAt, count), weights, weightErrors);
    expect(ground.read(gAt, count)).toEqual(g);
  }) as TrainCheck,

  adam_f32: ((ground, draw) => {
    const count = draw.integer(0, 21);
    const [w, g, m] = [draw.values(count), draw.values(count, draw.pick([1e-6, 1, 100])), draw.values(count)];
    const v = draw.values(count).map(Math.abs);
    const rate = draw.pick([1e-4, 2e-3, 0.1]);
    const [beta1, beta2] = [draw.pick([0, 0.9]), draw.pick([0.99, 0.999])];
    const epsilon = draw.pick([1e-8, 1e-3]);
    const decay = draw.pick([0, 0.01, 0.1]);
    const scale = draw.pick([1, 0.37]);
    const decoupled = draw.pick([0, 1]);
    const time = draw.pick([1, 2, 10, 100_000]);
    const corrections = [1 - beta1 ** time, Math.sqrt(1 - beta2 ** time)] as const;
    const [wAt, gAt, mAt, vAt] = [ground.place(w), ground.place(g), ground.place(m), ground.place(v)];
    const settings = [rate, beta1, beta2, epsilon, decay, scale, ...corrections, decoupled];
    ground.kernels.adam_f32(wAt, gAt, mAt, vAt, count, ...settings);
    const [means, meanErrors] = [new Float64Array(count), new Float64Array(count)];
    const [squares, squareErrors] = [new Float64Array(count), new Float64Array(count)];
    const [weights, weightErrors] = [new Float64Array(count), new Float64Array(count)];
    for (let i = 0; i < count; i++) {
      const added = decoupled ? 0 : decay * w[i]!;
      const d = g[i]! * scale + added;
      const size = Math.abs(g[i]! * scale) + Math.abs(added);
      const dError = 3 * u * size + 2 * UNDERFLOW;
      means[i] = m[i]! + (1 - beta1) * (d - m[i]!);
      meanErrors[i] = dError + 5 * u * (size + Math.abs(m[i]!)) + 3 * UNDERFLOW;
      squares[i] = beta2 * v[i]! + (1 - beta2) * d * d;
      squareErrors[i] =
        (1 - beta2) * (2 * size * dError + dError * dError) +
        5 * u * (beta2 * v[i]! + (1 - beta2) * size * size) +
        4 * UNDERFLOW;
      // What the program may have for √v / correction2 + ε, at least and at most.
      const under = (square: number) => Math.sqrt(Math.max(square, 0)) / corrections[1] + epsilon;
      const exactUnder = under(squares[i]!);
      const least = under(squares[i]! - squareErrors[i]!) * (1 - 5 * u);
      const most = under(squares[i]! + squareErrors[i]!) * (1 + 5 * u);
      const step = rate / corrections[0];
      const shrunk = (decoupled ? 1 - rate * decay : 1) * w[i]!;
      weights[i] = shrunk - (step * means[i]!) / exactUnder;
      const apart = Math.max(1 / least - 1 / exactUnder, 1 / exactUnder - 1 / most);
      weightErrors[i] =
        step * (meanErrors[i]! / least + Math.abs(means[i]!) * apart) +
        4 * u * step * ((Math.abs(means[i]!) + meanErrors[i]!) / least) +
        3 * u * Math.abs(shrunk) +
        u * Math.abs(weights[i]!) +
        3 * UNDERFLOW;
    }
    within(ground.read(mAt, count), means, meanErrors);
    within(ground.read(vAt, count), squares, squareErrors);
    within(ground.read(wAt, count), weights, weightErrors);
    expect(ground.read(gAt, count)).toEqual(g);
  }) as TrainCheck,
};
