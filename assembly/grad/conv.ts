import { madd } from '../simd/madd';

/**
 * A causal depthwise convolution over a tape that begins with what came in before step 0: rows xs [width − 1 + T][B], of
 * which output row m = t·B + b reads rows m, m + B, …, m + (width − 1)·B, the oldest first. Features go by panels of
 * eight; padding is computed like the rest.
 *
 * w: panels [⌈size/8⌉][width][8] (pack_panels_f32) · y, dy, dx: [T·B] rows · strides in bytes · rows: T·B · batch: B
 */

/** y = bias + Σ_j w_j xs[m + j·B] for rows [first, last). bias: [⌈size/8⌉·8] */
export function conv_tape_f32(
  y: usize, ldy: usize, xs: usize, ldx: usize, w: usize, bias: usize, first: usize, last: usize, batch: usize,
  size: usize, width: usize,
): void {
  const step = batch * ldx;
  for (let m = first; m < last; m++) {
    let taps = w;
    for (let c: usize = 0; c < size << 2; c += 32) {
      let a = v128.load(bias + c);
      let b = v128.load(bias + c, 16);
      let from = xs + m * ldx + c;
      for (let j: usize = 0; j < width; j++) {
        a = madd(v128.load(taps), v128.load(from), a);
        b = madd(v128.load(taps, 16), v128.load(from, 16), b);
        taps += 32;
        from += step;
      }
      v128.store(y + m * ldy + c, a);
      v128.store(y + m * ldy + c, b, 16);
    }
  }
}

/** dx[m] = Σ_k w_(width − 1 − k) dy[m + k·B], as far as there are rows, for rows [first, last). */
export function conv_back_f32(
  dx: usize, lddx: usize, dy: usize, lddy: usize, w: usize, first: usize, last: usize, rows: usize, batch: usize,
  size: usize, width: usize,
): void {
  const step = batch * lddy;
  const end = dy + rows * lddy;
  for (let m = first; m < last; m++) {
    let taps = w + ((width - 1) << 5);
    for (let c: usize = 0; c < size << 2; c += 32) {
      let a = f32x4.splat(0);
      let b = f32x4.splat(0);
      let tap = taps;
      let from = dy + m * lddy + c;
      for (let k: usize = 0; k < width && from < end; k++) {
        a = madd(v128.load(tap), v128.load(from), a);
        b = madd(v128.load(tap, 16), v128.load(from, 16), b);
        tap -= 32;
        from += step;
      }
      v128.store(dx + m * lddx + c, a);
      v128.store(dx + m * lddx + c, b, 16);
      taps += width << 5;
    }
  }
}

/**
 * dw[c][j] += Σ_m dy[m][c] xs[m + j·B][c], in order of m, for features [c0, c1). dw: [size] rows of width, stride lddw;
 * c0 and c1 are multiples of 4. Padding gets + 0, for dy is 0 there.
 */
export function conv_grad_f32(
  dw: usize, lddw: usize, dy: usize, lddy: usize, xs: usize, ldx: usize, rows: usize, batch: usize, c0: usize,
  c1: usize, width: usize,
): void {
  const step = batch * ldx;
  for (let c = c0; c < c1; c += 4) {
    const to = dw + c * lddw;
    let from = xs + (c << 2);
    for (let j: usize = 0; j < width; j++) {
      const out = to + (j << 2);
      let sum = f32x4(
        load<f32>(out), load<f32>(out + lddw), load<f32>(out + 2 * lddw), load<f32>(out + 3 * lddw),
      );
      let d = dy + (c << 2);
      let x = from;
      for (let m: usize = 0; m < rows; m++) {
        sum = madd(v128.load(d), v128.load(x), sum);
        d += lddy;
        x += ldx;
      }
      v128.store32_lane(out, sum, 0);
      v128.store32_lane(out + lddw, sum, 1);
      v128.store32_lane(out + 2 * lddw, sum, 2);
      v128.store32_lane(out + 3 * lddw, sum, 3);
      from += step;
    }
  }
}
