import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeXlstm } from '#dist/formats/layouts/xlstm.js';
import { availableKernels, createModel } from '#dist/node.js';

const made = JSON.parse(readFileSync(new URL('xlstm.json', import.meta.url), 'utf8')) as {
  ids: number[];
  logits: number[];
  tensors: Record<'vanilla' | 'cuda', Record<string, { shape: number[]; data: number[] }>>;
};

// Blocks of the package: norms, a causal convolution, heads of an sLSTM, group norms, gated feedforwards.
test.each(availableKernels())('%s: a model of the xlstm package gives its logits', async (kernels) => {
  for (const backend of ['vanilla', 'cuda'] as const) {
    const tensors = Object.fromEntries(
      Object.entries(made.tensors[backend]).map(([name, { shape, data }]) => [
        name,
        { shape, data: Float32Array.from(data) },
      ]),
    );
    const file = decodeXlstm(tensors, { activation: 'swish' });
    using model = await createModel(file.spec, file.tensors, { kernels });
    const ids = Int32Array.from(made.ids);
    const { y, state } = await model.run(ids);
    expect(y.length).toBe(made.logits.length);
    // f32 against f64 sums, through blocks that normalise: a few hundred roundings.
    for (const [i, value] of y.entries()) expect(Math.abs(value - made.logits[i]!)).toBeLessThan(2e-5);
    const session = model.session();
    const steps = [...ids].flatMap((id) => [...session.step(Int32Array.of(id))]);
    expect(Float32Array.from(steps)).toEqual(y);
    expect(session.snapshot()).toEqual(state);
  }
});
