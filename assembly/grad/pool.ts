/**
 * One vector for a whole sequence. Of stream b, the first lengths[b] of the steps count, or all where lengths is 0:
 *
 *   out[b] = y at the last of them, or their mean; 0 where there are none
 *
 * out: [batch, ⌈width/4⌉·4], stride ldo bytes · y: [steps][batch] rows as out's, stride ldy; padding goes along
 * lengths: [batch] i32, 0..steps, or 0 · mean: 1 for the mean, 0 for the last
 */
export function pool_f32(
  out: usize, ldo: usize, y: usize, ldy: usize, lengths: usize, steps: usize, batch: usize, width: usize, mean: usize,
): void {
  const step = batch * ldy;
  for (let b: usize = 0; b < batch; b++) {
    const count = lengths ? <usize>load<u32>(lengths + (b << 2)) : steps;
    const to = out + b * ldo;
    const first: usize = mean || !count ? 0 : count - 1;
    const share = f32x4.splat(mean && count ? <f32>count : 1);
    for (let i: usize = 0; i < width << 2; i += 16) {
      let sum = f32x4.splat(0);
      let from = y + b * ldy + first * step + i;
      for (let t = first; t < count; t++) {
        sum = f32x4.add(sum, v128.load(from));
        from += step;
      }
      v128.store(to + i, f32x4.div(sum, share));
    }
  }
}

/**
 * The way back: writes all of dy, of which the steps that pool_f32 took get dout or their share of it, the others 0.
 * dy: [steps][batch] rows, stride lddy bytes · dout: [batch] rows, stride ldd; the rest as in pool_f32
 */
export function pool_back_f32(
  dy: usize, lddy: usize, dout: usize, ldd: usize, lengths: usize, steps: usize, batch: usize, width: usize, mean: usize,
): void {
  for (let t: usize = 0; t < steps; t++) {
    for (let b: usize = 0; b < batch; b++) {
      const count = lengths ? <usize>load<u32>(lengths + (b << 2)) : steps;
      const to = dy + (t * batch + b) * lddy;
      if (mean ? t < count : t + 1 == count) {
        const share = f32x4.splat(mean ? <f32>count : 1);
        for (let i: usize = 0; i < width << 2; i += 16) {
          v128.store(to + i, f32x4.div(v128.load(dout + b * ldd + i), share));
        }
      } else {
        for (let i: usize = 0; i < width << 2; i += 16) v128.store(to + i, f32x4.splat(0));
      }
    }
  }
}
