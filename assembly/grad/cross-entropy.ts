import { rowExp } from '../math/activate';
import { log } from '../math/log';
import { keepLanes } from '../simd/lanes';

/**
 * Cross-entropy of rows of logits, and in their place its gradient. With target t of a row and s = softmax(x):
 *
 *   loss = ln Σ e^x − x[t]        x ← (s − onehot(t)) · scale
 *
 * A row whose target is negative is not counted: loss, hit and gradient are 0. NaN in x gives a loss of NaN.
 * Three passes: the largest logit, the exponentials and their sum, the scaling.
 *
 * x: [rows, ⌈width/8⌉·8], row stride ldx bytes; columns past width become 0 · targets: [rows] i32, below width
 * losses: [rows] f32, nats · hits: [rows] i32, 1 where x[t] is the first of the row's largest · table: the constants
 */
export function cross_entropy_f32(
  x: usize, ldx: usize, targets: usize, losses: usize, hits: usize, table: usize, rows: usize, width: usize, scale: f32,
): void {
  const end = ((width + 7) & ~7) << 2;
  for (let m: usize = 0; m < rows; m++) {
    const row = x + m * ldx;
    const target = load<i32>(targets + (m << 2));
    let loss: f32 = 0;
    let hit: i32 = 0;
    if (target < 0) {
      memory.fill(row, 0, end);
    } else {
      const at = <usize>target << 2;
      const own = load<f32>(row + at);
      const before = rowMost(row, target);
      const whole = at & ~15;
      const most = max(before, rowMost(row + whole, width - (whole >> 2)));
      hit = i32(own > before && own == most);
      const sum = rowExp(row, row, most, table, width);
      // The logarithm takes only numbers.
      loss = sum == sum ? <f32>(log(sum) + <f64>most - <f64>own) : NaN;
      const slope = <f32>((<f64>load<f32>(row + at) / sum - 1) * <f64>scale);
      const factor = f32x4.splat(<f32>(<f64>scale / sum));
      for (let i: usize = 0; i < width << 2; i += 16) v128.store(row + i, f32x4.mul(v128.load(row + i), factor));
      memory.fill(row + (width << 2), 0, end - (width << 2));
      store<f32>(row + at, slope);
    }
    store<f32>(losses + (m << 2), loss);
    store<i32>(hits + (m << 2), hit);
  }
}

/** The largest of x [width], −∞ of none; NaN is passed over, the sum of exponentials has it. */
function rowMost(x: usize, width: usize): f32 {
  const least = f32x4.splat(-Infinity);
  const end = x + ((width & ~3) << 2);
  let most = least;
  for (; x < end; x += 16) most = f32x4.pmax(most, v128.load(x));
  if (width & 3) most = f32x4.pmax(most, keepLanes(v128.load(x), width & 3, least));
  return max(
    max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1)),
    max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)),
  );
}
