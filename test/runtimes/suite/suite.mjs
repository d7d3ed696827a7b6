import * as blockrnn from 'blockrnn';
import { arraysOf, digest, draw } from './draw.mjs';
import { checkErrors } from './errors.mjs';
import { drawTensors, single, stacks } from './models.mjs';
import { checkStreams } from './newer.mjs';
import { checkTraining } from './train.mjs';

const { createModel, loadModel, encodeModel, readModel, writeSafetensors, writeNpy, readNpy } = blockrnn;
const steps = 9;
const batch = 3;
const plain = { kernels: 'simd' };

/**
 * Uses the whole of blockrnn as this runtime resolves it.
 * @param {{ source: string, wasm: string, threads: boolean }} given where the shipped model and the plain binary are;
 *   whether threads are expected here
 * @returns what was checked, and digests of every output of the plain binary, which are the same in every runtime
 */
export async function runSuite({ source, wasm, threads }) {
  const results = [];
  const digests = {};
  const check = async (name, body) => {
    const start = performance.now();
    try {
      const found = await body();
      if (typeof found === 'string') digests[name] = found;
      results.push({ name, ok: true, detail: found ?? '', ms: performance.now() - start });
    } catch (error) {
      const detail = `${error?.name} ${error?.code ?? ''} ${error?.message}\n${error?.stack ?? ''}`;
      results.push({ name, ok: false, detail, ms: performance.now() - start });
    }
  };

  for (const [seed, { name, ...given }] of [...single, ...stacks].entries()) {
    await check(name, () => checkModel(given, seed));
  }
  // A crew costs tens of milliseconds to hire: one for each cell, one for each stack.
  const shared = [...single.filter(({ name }) => name.endsWith('odd blocks')), ...stacks];
  if (threads) {
    for (const [seed, { name, ...given }] of shared.entries()) {
      await check(`${name}, two threads`, () => checkThreads(given, seed));
    }
    await check('dense, three threads', () => checkThreads({ ...single[1], count: 3 }, 1));
  } else await check('without threads', checkNoThreads);
  await check('auto', () => checkAuto(threads));
  await check('the faster kernels', checkFast);
  await check('the shipped model', () => checkShipped(source, threads));
  await check('sessions', checkSessions);
  await check('sources', checkSources);
  await check('a PyTorch state dict', checkStateDict);
  await check('npy', () => {
    const data = draw(5).floats(12);
    const array = readNpy(writeNpy([3, 4], data));
    equal(array.data, data, 'npy');
    return digest(writeNpy([3, 4], data));
  });
  await checkStreams(check, { wasm });
  await checkErrors(check);
  await checkTraining(check, { threads });
  return { results, digests, kernels: blockrnn.availableKernels(), names: Object.keys(blockrnn).sort() };
}

/** run, run with state and lengths, steps, snapshot, save and load: one answer. */
async function checkModel({ spec, inputs, ids }, seed) {
  const tensors = drawTensors(spec, seed);
  const x = drawInput({ inputs, ids }, seed);
  const width = x.length / steps / batch;
  const model = await createModel(spec, tensors, plain);
  truth(model.kernels === 'simd' && model.threads === 1, 'plain kernels, one thread');
  const { y, state } = await model.run(x, { steps, batch });
  truth(y.every(Number.isFinite), 'every output is a number');

  const session = model.session({ batch });
  const outputs = y.length / steps;
  const half = Math.floor(steps / 2);
  let saved;
  for (let t = 0; t < steps; t++) {
    if (t === half) saved = session.snapshot();
    const row = session.step(x.subarray(t * batch * width, (t + 1) * batch * width));
    equal(row, y.subarray(t * outputs, (t + 1) * outputs), `step ${t}`);
  }
  for (const [i, array] of arraysOf(session.snapshot()).entries())
    equal(array, arraysOf(state)[i], `state ${i}`);
  session.restore(saved);
  const rest = await session.run(x.subarray(half * batch * width));
  equal(rest.y, y.subarray(half * outputs), 'the second half after restore');

  const lengths = [steps, 4, 0];
  const ragged = await model.run(x, { steps, batch, lengths, state: saved });
  for (let t = 0; t < steps; t++)
    for (let b = 0; b < batch; b++) {
      const from = (t * batch + b) * (outputs / batch);
      const row = ragged.y.subarray(from, from + outputs / batch);
      if (t >= lengths[b]) truth(row.every(Object.is.bind(null, 0)), 'zeros past a length');
    }
  const hidden = saved[0].h.length / batch;
  equal(ragged.state[0].h.subarray(2 * hidden), saved[0].h.subarray(2 * hidden), 'a stream of no steps');

  const bytes = encodeModel({ spec: model.spec, tensors });
  const file = readModel(bytes);
  equal(encodeModel(file), bytes, 'a file written again');
  const again = await loadModel(bytes, plain);
  equal((await again.run(x, { steps, batch })).y, y, 'after save and load');
  again.dispose();
  model.dispose();
  return digest(y, ...arraysOf(state), ragged.y, ...arraysOf(ragged.state), bytes);
}

async function checkThreads({ spec, inputs, ids, count = 2 }, seed) {
  const tensors = drawTensors(spec, seed);
  const x = drawInput({ inputs, ids }, seed);
  const alone = await createModel(spec, tensors, plain);
  const crew = await createModel(spec, tensors, { ...plain, threads: count });
  try {
    truth(crew.threads === count, `${count} threads, not ${crew.threads}`);
    const one = await alone.run(x, { steps, batch, lengths: [9, 9, 2] });
    for (let i = 0; i < 3; i++) {
      const many = await crew.run(x, { steps, batch, lengths: [9, 9, 2] });
      equal(many.y, one.y, `run ${i}`);
      for (const [j, array] of arraysOf(many.state).entries())
        equal(array, arraysOf(one.state)[j], `state ${j}`);
    }
  } finally {
    crew.dispose();
    alone.dispose();
  }
}

/** Threads that cannot be had are no reason to fail: there is one then, and the console says why. */
async function checkNoThreads() {
  const [{ spec }] = single;
  const model = await createModel(spec, drawTensors(spec, 0), { threads: 2 });
  truth(model.threads === 1, 'one thread in place of two');
  model.dispose();
}

async function checkAuto(threads) {
  const { spec, inputs } = single[1];
  const model = await createModel(spec, drawTensors(spec, 1), { ...plain, threads: 'auto' });
  truth(threads ? model.threads >= 1 : model.threads === 1, `threads: ${model.threads}`);
  const x = drawInput({ inputs }, 1);
  const first = await model.run(x, { steps, batch });
  for (let i = 0; i < 5; i++) equal((await model.run(x, { steps, batch })).y, first.y, `run ${i}`);
  model.dispose();
  return digest(first.y);
}

/** Fused arithmetic may round differently, and no more than that. */
async function checkFast() {
  const { spec, inputs } = single[1];
  const tensors = drawTensors(spec, 1);
  const x = drawInput({ inputs }, 1);
  const [slow, fast] = [await createModel(spec, tensors, plain), await createModel(spec, tensors)];
  truth(fast.kernels === blockrnn.availableKernels()[0], fast.kernels);
  const [a, b] = [await slow.run(x, { steps, batch }), await fast.run(x, { steps, batch })];
  const error = a.y.reduce((most, value, i) => Math.max(most, Math.abs(value - b.y[i])), 0);
  truth(error < 1e-5, `differs by ${error}`);
}

async function checkShipped(source, threads) {
  const model = await loadModel(source, plain);
  const ids = new Map(model.vocab.map((byte, id) => [byte, id]));
  const text = 'ROMEO:\nBut, soft! what light through yonder window breaks?';
  const x = Int32Array.from(text, (letter) => ids.get(letter.charCodeAt(0)));
  const session = model.session();
  const y = new Float32Array(x.length * model.vocab.length);
  x.forEach((_, t) => {
    y.set(session.step(x.subarray(t, t + 1)), t * model.vocab.length);
  });
  equal((await model.run(x)).y, y, 'steps and run');
  if (threads) {
    const crew = await loadModel(source, { ...plain, threads: 2 });
    equal((await crew.run(x)).y, y, 'two threads');
    crew.dispose();
  }
  model.dispose();
  return digest(y);
}

async function checkSessions() {
  const { spec, inputs } = single[1];
  const model = await createModel(spec, drawTensors(spec, 1), plain);
  const x = drawInput({ inputs }, 1).subarray(0, 2 * inputs);
  const [a, b] = [model.session({ batch: 2 }), model.session({ batch: 2 })];
  const first = a.step(x).slice();
  equal(b.step(x), first, 'two sessions side by side');
  const out = new Float32Array(first.length);
  truth(a.step(x, out) === out, 'out is what step returns');
  b.restore(a.snapshot());
  a.reset();
  equal(a.step(x), first, 'after reset');
  const moved = b.snapshot();
  b.reset(0);
  const zeros = b.snapshot();
  const hidden = moved[0].h.length / 2;
  truth(
    zeros[0].h.subarray(0, hidden).every((value) => value === 0),
    'stream 0 is reset',
  );
  equal(zeros[0].h.subarray(hidden), moved[0].h.subarray(hidden), 'stream 1 is not');
  const opened = model.session({ batch: 2, state: moved });
  const next = opened.step(x).slice();
  model.dispose();
  return digest(first, out, next);
}

async function checkSources() {
  const { spec } = single[0];
  const bytes = encodeModel({ spec, tensors: drawTensors(spec, 0) }, { dtype: 'f16' });
  const x = drawInput(single[0], 0);
  const outputs = [];
  for (const given of [bytes, bytes.buffer.slice(0), new Blob([bytes]), new Response(bytes)]) {
    const model = await loadModel(given, plain);
    outputs.push((await model.run(x, { steps, batch })).y);
    equal(outputs.at(-1), outputs[0], given.constructor.name);
    model.dispose();
  }
  return digest(bytes, outputs[0]);
}

async function checkStateDict() {
  const H = 8;
  const source = draw(77);
  const weight = source.floats(4 * H * H, 0.4);
  // Two blocks of four: what couples them is zero.
  weight.forEach((_, i) => {
    if (Math.floor((Math.floor(i / H) % H) / 4) !== Math.floor((i % H) / 4)) weight[i] = 0;
  });
  const bytes = writeSafetensors({
    weight_ih_l0: { shape: [4 * H, 3], data: source.floats(4 * H * 3) },
    weight_hh_l0: { shape: [4 * H, H], data: weight },
    bias_ih_l0: { shape: [4 * H], data: source.floats(4 * H) },
    bias_hh_l0: { shape: [4 * H], data: source.floats(4 * H) },
  });
  const model = await loadModel(bytes, plain);
  truth(model.spec.layers[0].blocks === 2, `two blocks are found: ${JSON.stringify(model.spec)}`);
  const { y } = await model.run(source.floats(5 * 3));
  model.dispose();
  return digest(y);
}

function drawInput({ inputs, ids }, seed) {
  const source = draw(1000 + seed);
  return ids === undefined ? source.floats(steps * batch * inputs) : source.integers(steps * batch, ids - 1);
}

function truth(condition, message) {
  if (!condition) throw new Error(`not so: ${message}`);
}

function equal(found, wanted, what) {
  if (digest(found) !== digest(wanted)) throw new Error(`${what}: bytes differ`);
}
