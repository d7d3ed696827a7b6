import { loadLanes, storeLanes } from '../simd/lanes';
import { madd } from '../simd/madd';

/**
 * Steps of optimisers over count weights, as PyTorch takes them. The gradient is g · scale; g itself stays.
 * Settings are f64, since 1 − β₂ of a rounded β₂ would be off by 5e-5 of itself.
 */

/**
 * torch.optim.SGD, with d = g · scale + decay · w:
 *
 *   v = momentum · v + (1 − dampening) · d, or v = d in the first step; d ← d + momentum · v (nesterov) or d ← v
 *   w −= rate · d
 *
 * w, g, v: [count]; without momentum v is not touched. nesterov, first: 0 or 1
 */
export function sgd_f32(
  w: usize, g: usize, v: usize, count: usize,
  rate: f64, momentum: f64, dampening: f64, decay: f64, scale: f64, nesterov: usize, first: usize,
): void {
  const scales = f32x4.splat(<f32>scale);
  const decays = f32x4.splat(<f32>decay);
  const rates = f32x4.splat(<f32>-rate);
  const momenta = f32x4.splat(<f32>momentum);
  // In the first step v holds nothing yet.
  const kept = f32x4.splat(first ? 0 : <f32>momentum);
  const taken = f32x4.splat(first ? 1 : <f32>(1 - dampening));
  for (let i: usize = 0; i < count << 2; i += 16) {
    const left = count - (i >> 2);
    const weight = loadLanes(w + i, left);
    let d = madd(decays, weight, f32x4.mul(loadLanes(g + i, left), scales));
    if (momentum != 0) {
      const old = first ? d : loadLanes(v + i, left);
      const velocity = madd(kept, old, f32x4.mul(taken, d));
      storeLanes(v + i, velocity, left);
      d = nesterov ? madd(momenta, velocity, d) : velocity;
    }
    storeLanes(w + i, madd(rates, d, weight), left);
  }
}

/**
 * torch.optim.Adam, or AdamW where decoupled, with d = g · scale (+ decay · w unless decoupled):
 *
 *   w *= 1 − rate · decay (decoupled)    m += (1 − β₁)(d − m)    v = β₂ v + (1 − β₂) d²
 *   w −= rate / correction1 · m / (√v / correction2 + ε)
 *
 * w, g, m, v: [count] · correction1: 1 − β₁ᵗ, correction2: √(1 − β₂ᵗ) of step t = 1, 2, … · decoupled: 0 or 1
 */
export function adam_f32(
  w: usize, g: usize, m: usize, v: usize, count: usize,
  rate: f64, beta1: f64, beta2: f64, epsilon: f64, decay: f64, scale: f64, correction1: f64, correction2: f64,
  decoupled: usize,
): void {
  const scales = f32x4.splat(<f32>scale);
  const decays = f32x4.splat(decoupled ? 0 : <f32>decay);
  const keep = f32x4.splat(decoupled ? <f32>(1 - rate * decay) : 1);
  const first = f32x4.splat(<f32>(1 - beta1));
  const second = f32x4.splat(<f32>(1 - beta2));
  const beta = f32x4.splat(<f32>beta2);
  const epsilons = f32x4.splat(<f32>epsilon);
  const correction = f32x4.splat(<f32>(1 / correction2));
  const step = f32x4.splat(<f32>(-rate / correction1));
  for (let i: usize = 0; i < count << 2; i += 16) {
    const left = count - (i >> 2);
    const weight = loadLanes(w + i, left);
    const d = madd(decays, weight, f32x4.mul(loadLanes(g + i, left), scales));
    const old = loadLanes(m + i, left);
    const mean = madd(first, f32x4.sub(d, old), old);
    const square = madd(second, f32x4.mul(d, d), f32x4.mul(beta, loadLanes(v + i, left)));
    const under = madd(f32x4.sqrt(square), correction, epsilons);
    storeLanes(m + i, mean, left);
    storeLanes(v + i, square, left);
    storeLanes(w + i, madd(step, f32x4.div(mean, under), f32x4.mul(keep, weight)), left);
  }
}
