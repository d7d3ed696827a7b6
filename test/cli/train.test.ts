import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runTraining } from '#dist/cli/train/run.js';
import { loadModel, readModel, readSafetensors } from '#dist/node.js';
import type { Batch } from '#dist/train/types.js';
import { textOf } from './models.js';
import { makeFolder, Recorder } from './program.js';
import { type Played, playTraining } from './training.js';

const folder = makeFolder();
const at = (...parts: string[]) => join(folder.path, ...parts);
folder.put('text.txt', textOf(400));
let number = 0;

interface Wish {
  config: object;
  played?: Played;
  resume?: boolean;
  out?: string;
  quiet?: boolean;
  json?: boolean;
  threads?: number;
  isWatched?: boolean;
  signal?: AbortSignal;
  name?: string;
}

/** Trains in a folder of its own, unless `name` says which. */
async function train(wish: Wish) {
  const { config, played = playTraining(), resume = false, quiet = false, json = false } = wish;
  const name = wish.name ?? `run${number++}`;
  const configPath = folder.put(`${name}.json`, JSON.stringify(config));
  const terminal = new Recorder(wish.isWatched);
  const context = { terminal, json, signal: wish.signal ?? new AbortController().signal };
  const options = { configPath, out: wish.out, threads: wish.threads, resume, quiet };
  const error: unknown = await runTraining(options, context, played.training).then(
    () => undefined,
    (thrown) => thrown,
  );
  const batches = () => [...(played.fits[0]!.batches(0) as Iterable<Batch>)];
  return { error, terminal, played, name, out: wish.out ?? at('runs', name), fit: played.fits[0]!, batches };
}

const bytesConfig = {
  task: { kind: 'bytes', text: 'text.txt' },
  model: { cell: 'gru', hidden: 12, layers: 2, blocks: 3, embedding: 5 },
  train: { epochs: 3, batch: 4, steps: 10 },
};
const linesOf = (out: string) =>
  readFileSync(join(out, 'log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('a byte model', () => {
  test('ends in a model, a checkpoint, a log and a report', async () => {
    const { error, out, terminal, fit, batches } = await train({ config: bytesConfig });
    expect(error).toBe(undefined);
    expect(readdirSync(out).sort()).toEqual([
      'checkpoint.safetensors',
      'log.jsonl',
      'model.safetensors',
      'report.html',
    ]);
    // 360 bytes for training, 20 and 20: 90 a stream, 89 predictions.
    expect(fit.capacity).toEqual({ steps: 10, batch: 4 });
    expect(batches().map(({ steps }) => steps)).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 9]);
    expect(fit).toMatchObject({ loss: { kind: 'steps' }, threads: 'auto', tie: false, learningRate: 2e-3 });

    using model = await loadModel(join(out, 'model.safetensors'));
    expect(model.spec).toEqual(fit.spec);
    expect(model.vocab).toEqual([10, 32, 44, 58, 65, 66, 67, 68, 69]);
    expect(model.spec.layers).toMatchObject([
      { kind: 'embedding', count: 9, size: 5 },
      { kind: 'gru', inputSize: 5, hiddenSize: 12, blocks: 3, resetAfter: true },
      { kind: 'gru', inputSize: 12, hiddenSize: 12, blocks: 3 },
      { kind: 'linear', inputSize: 12, outputSize: 9 },
    ]);

    const lines = linesOf(out);
    expect(lines.map(({ event }) => event)).toEqual([
      'start',
      ...Array.from({ length: 3 }, () => [...Array(9).fill('step'), 'epoch']).flat(),
      'test',
      'end',
    ]);
    expect(lines[0]).toMatchObject({ step: 0, config: bytesConfig, spec: fit.spec });
    expect(lines.at(-2)).toMatchObject({ step: 27, loss: Math.LN2, count: 16 });

    expect(terminal.stdout).toContain(join(out, 'model.safetensors'));
    expect(terminal.stdout).toMatch(/validation +1\.0000 bits per byte, 0\.6931 nats; best of all epochs/);
    expect(terminal.stdout).toMatch(/test +1\.0000 bits per byte/);
    expect(terminal.stderr.split('\n')).toEqual([
      'epoch 1/3  loss 0.2222  validation 0.6931 (1.0000 bits per byte, best so far)  9 s',
      'epoch 2/3  loss 0.1111  validation 0.6931 (1.0000 bits per byte)  9 s',
      'epoch 3/3  loss 0.0741  validation 0.6931 (1.0000 bits per byte, best so far)  9 s',
      '',
    ]);
  });

  test('of a folder: its .txt files in the order of their names', async () => {
    mkdirSync(at('texts'));
    folder.put('texts/b.txt', 'bbb');
    folder.put('texts/a.txt', 'aaaa');
    folder.put('texts/c.md', 'c');
    const config = { ...bytesConfig, task: { kind: 'bytes', text: 'texts', split: [1] } };
    const { error, fit, batches, out, terminal } = await train({
      config: { ...config, train: { batch: 1 } },
    });
    expect(error).toBe(undefined);
    expect(batches()[0]!.x).toEqual(Int32Array.of(0, 0, 0, 0, 1, 1));
    expect(fit.validate).toBe(undefined);
    expect(linesOf(out).some(({ event }) => event === 'test')).toBe(false);
    expect(terminal.stdout).not.toContain('validation');
  });

  test('of a file for each part', async () => {
    folder.put('v.txt', 'AB'.repeat(20));
    const text = { train: 'text.txt', valid: 'v.txt' };
    const { error, fit } = await train({ config: { ...bytesConfig, task: { kind: 'bytes', text } } });
    expect(error).toBe(undefined);
    expect([...(fit.validate!() as Iterable<Batch>)].map(({ steps, batch }) => [steps, batch])).toEqual([
      [9, 4],
    ]);
  });

  test('what the command line and the configuration say reaches fit', async () => {
    const optimizer = { kind: 'sgd', momentum: 0.9, nesterov: true };
    const config = {
      ...bytesConfig,
      model: { hidden: 8, blocks: 'diagonal', tie: true },
      train: {
        ...bytesConfig.train,
        schedule: { kind: 'half' },
        optimizer,
        clip: 0.5,
        dropout: 0.1,
        seed: 7,
        init: { forgetBias: 1 },
        threads: 2,
        kernels: 'simd',
      },
      out: 'elsewhere',
    };
    const { error, fit, name } = await train({ config, threads: 3 });
    expect(error).toBe(undefined);
    expect(fit).toMatchObject({
      optimizer,
      clip: 0.5,
      dropout: 0.1,
      seed: 7,
      init: { forgetBias: 1 },
      threads: 3,
      kernels: 'simd',
      tie: true,
    });
    expect(Object.keys(fit.optimizer)).toEqual(Object.keys(optimizer));
    expect(fit.spec.layers[1]).toMatchObject({ kind: 'lstm', inputSize: 8, blocks: 8 });
    expect(existsSync(at('elsewhere', 'model.safetensors'))).toBe(true);
    // 27 steps in all, halved once.
    expect(linesOf(at('elsewhere'))[1].learningRate).toBe(13.5);
    expect(existsSync(at('runs', name))).toBe(false);
  });
});

test('words: the vocabulary is in the file, and perplexity is said', async () => {
  folder.put('train.tok', ' the cat sat \n the dog \n'.repeat(5));
  folder.put('valid.tok', ' the bird \n'.repeat(4));
  const config = {
    task: { kind: 'words', train: 'train.tok', valid: 'valid.tok' },
    model: { hidden: 6 },
    train: { batch: 2, epochs: 1 },
  };
  const { error, out, fit, terminal } = await train({ config });
  expect(error).toBe(undefined);
  const file = readFileSync(join(out, 'model.safetensors'));
  const words = ['the', 'cat', 'sat', '<eos>', 'dog', 'bird'];
  expect(JSON.parse(readSafetensors(file).metadata.words!)).toEqual(words);
  expect(readModel(file).spec).toEqual(fit.spec);
  expect(fit.spec.layers[0]).toMatchObject({ count: 6, size: 6 });
  expect(terminal.stdout).toContain('2.00 perplexity');
});

describe('sequences', () => {
  folder.put(
    'data.csv',
    Array.from({ length: 40 }, (_, i) => {
      const steps = 1 + (i % 5);
      return [i % 2 === 0 ? 'even' : 'odd', ...Array.from({ length: steps * 2 }, (_, j) => 100 + i + j)].join(
        ',',
      );
    }).join('\n'),
  );
  const config = {
    task: { kind: 'sequences', file: 'data.csv', features: 2 },
    model: { cell: 'elman', hidden: 6 },
    train: { batch: 8, epochs: 2, pool: 'mean' },
  };

  test('the classes are in the file, the normalization is in the weights', async () => {
    const { error, out, fit, batches, terminal } = await train({ config });
    expect(error).toBe(undefined);
    expect(fit.loss).toEqual({ kind: 'sequence', pool: 'mean' });
    expect(fit.capacity).toEqual({ steps: 5, batch: 8 });
    const [first] = batches();
    expect(Math.max(...(first!.x as Float32Array))).toBeLessThan(5);
    const file = readFileSync(join(out, 'model.safetensors'));
    expect(JSON.parse(readSafetensors(file).metadata.classes!)).toEqual(['even', 'odd']);
    const { tensors } = readModel(file);
    const bias = tensors['elman.0.bias_ih']!.data;
    // Numbers about 120 have to be taken away: what is left of the first bias is not what was trained.
    expect(Math.max(...bias.map(Math.abs))).toBeGreaterThan(0.3);
    expect(terminal.stdout).toContain('50.00 % accuracy');
    expect(terminal.stdout).toContain('the normalization is in its first layer');
  });

  test('without it the numbers stay as they are', async () => {
    const { batches } = await train({ config: { ...config, train: { ...config.train, normalize: false } } });
    const [first] = batches();
    expect(Math.max(...(first!.x as Float32Array))).toBeGreaterThan(100);
  });

  test('labels give the order of the classes', async () => {
    const task = { ...config.task, labels: ['odd', 'none', 'even'] };
    const { out, fit } = await train({ config: { ...config, task } });
    expect(fit.spec.layers.at(-1)).toMatchObject({ outputSize: 3 });
    const { metadata } = readSafetensors(readFileSync(join(out, 'model.safetensors')));
    expect(JSON.parse(metadata.classes!)).toEqual(['odd', 'none', 'even']);
  });
});

describe('stopping and going on', () => {
  test('Ctrl-C: a checkpoint, the way to go on, and then the same log as without stopping', async () => {
    const controller = new AbortController();
    const stopping = playTraining((step) => step === 14 && controller.abort('SIGINT'));
    const stopped = await train({ config: bytesConfig, played: stopping, signal: controller.signal });
    expect(stopped.error).toMatchObject({ name: 'AbortError' });
    expect(readFileSync(join(stopped.out, 'checkpoint.safetensors'), 'utf8')).toBe('13 1');
    expect(existsSync(join(stopped.out, 'model.safetensors'))).toBe(false);
    expect(stopped.terminal.stderr).toContain(
      'has the training up to step 13; go on with:\n  blockrnn train ',
    );
    expect(stopped.terminal.stderr).toMatch(/\.json --resume\n$/);

    const rest = await train({ config: bytesConfig, name: stopped.name, resume: true });
    expect(rest.error).toBe(undefined);
    const whole = await train({ config: bytesConfig });
    expect([...stopping.batches, ...rest.played.batches]).toEqual(whole.played.batches);
    const told = (out: string) =>
      linesOf(out)
        .filter(({ event }) => event === 'step' || event === 'epoch' || event === 'test')
        // A played epoch that goes on counts from there.
        .map(({ seconds, ...line }) => line);
    expect(told(rest.out)).toEqual(told(whole.out));
    expect(linesOf(rest.out).filter(({ event }) => event === 'resume')).toMatchObject([{ step: 13 }]);
    const model = (out: string) => readFileSync(join(out, 'model.safetensors'));
    expect(model(rest.out)).toEqual(model(whole.out));
  });

  test('in a validation: the epoch is reported when it goes on', async () => {
    const controller = new AbortController();
    const stopping = playTraining((step) => step === 'validation' && controller.abort('SIGINT'));
    const stopped = await train({ config: bytesConfig, played: stopping, signal: controller.signal });
    expect(stopped.error).toMatchObject({ name: 'AbortError' });
    expect(linesOf(stopped.out).at(-1)).toMatchObject({ event: 'step', step: 9 });
    const { error } = await train({ config: bytesConfig, name: stopped.name, resume: true });
    expect(error).toBe(undefined);
    const lines = linesOf(stopped.out).map(({ event, step }) => `${event} ${step}`);
    expect(lines.slice(9, 13)).toEqual(['step 9', 'resume 9', 'epoch 9', 'step 10']);
    expect(lines.length).toBe(1 + 27 + 1 + 3 + 2);
  });

  test('a finished one has nothing more to do, and says the same', async () => {
    const { name, out, terminal } = await train({ config: bytesConfig });
    const again = await train({ config: bytesConfig, name, resume: true });
    expect(again.error).toBe(undefined);
    expect(again.played.batches).toEqual([]);
    expect(
      linesOf(out)
        .map(({ event }) => event)
        .slice(-4),
    ).toEqual(['epoch', 'resume', 'test', 'end']);
    expect(linesOf(out).length).toBe(1 + 27 + 3 + 3);
    const withoutTime = (text: string) => text.replace(/^ *time .*$/m, '');
    expect(withoutTime(again.terminal.stdout)).toBe(withoutTime(terminal.stdout));
  });

  test('a process that died: what the log has beyond the checkpoint is taken back', async () => {
    const dying = playTraining((step) => {
      if (step === 14) throw new Error('died');
    });
    const died = await train({ config: bytesConfig, played: dying });
    expect(died.error).toMatchObject({ message: 'died' });
    expect(linesOf(died.out).at(-1)).toMatchObject({ event: 'step', step: 13 });
    const log = join(died.out, 'log.jsonl');
    folder.put(`runs/${died.name}/log.jsonl`, `${readFileSync(log, 'utf8')}{"event":"step","st`);
    const { error } = await train({ config: bytesConfig, name: died.name, resume: true });
    expect(error).toBe(undefined);
    const steps = linesOf(died.out).filter(({ event }) => event === 'step');
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 27 }, (_, i) => i + 1));
  });

  test('a finished one goes on for more epochs', async () => {
    const { name, out } = await train({ config: bytesConfig });
    const more = { ...bytesConfig, train: { ...bytesConfig.train, epochs: 4 } };
    const { error, played } = await train({ config: more, name, resume: true });
    expect(error).toBe(undefined);
    expect(played.batches.length).toBe(9);
    expect(linesOf(out).filter(({ event }) => event === 'epoch').length).toBe(4);
  });

  test.each([
    ['task', { task: { kind: 'bytes', text: 'text.txt', split: [0.8, 0.2] } }],
    ['model', { model: { ...bytesConfig.model, hidden: 15 } }],
    ['train', { train: { ...bytesConfig.train, batch: 5 } }],
  ])('with another %s it does not go on', async (key, change) => {
    const { name } = await train({ config: bytesConfig });
    const { error, played } = await train({ config: { ...bytesConfig, ...change }, name, resume: true });
    expect(error).toMatchObject({ message: expect.stringContaining(`"${key}" has changed`) });
    expect(played.fits.length).toBe(0);
  });

  test('a checkpoint is never written over by another training', async () => {
    const { name } = await train({ config: bytesConfig });
    const { error, played } = await train({ config: bytesConfig, name });
    expect(error).toMatchObject({ name: 'UsageError', message: expect.stringContaining('--resume') });
    expect(played.fits.length).toBe(0);
    const elsewhere = await train({ config: bytesConfig, name, out: at('new') });
    expect(elsewhere.error).toBe(undefined);
  });

  test('without a checkpoint there is nothing to go on with', async () => {
    const { error } = await train({ config: bytesConfig, resume: true });
    expect(error).toMatchObject({ message: expect.stringMatching(/checkpoint\.safetensors: no such file/) });
  });
});

describe('what is said', () => {
  test('--json: the lines of the log on stdout, and nothing else', async () => {
    const { terminal, out } = await train({ config: bytesConfig, json: true, quiet: true });
    expect(terminal.stdout).toBe(readFileSync(join(out, 'log.jsonl'), 'utf8'));
    expect(terminal.stderr).toBe('');
  });

  test('--quiet: the result alone', async () => {
    const { terminal } = await train({ config: bytesConfig, quiet: true, isWatched: true });
    expect(terminal.stderr).toBe('');
    expect(terminal.stdout).toContain('parameters');
  });
});
