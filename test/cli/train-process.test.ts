import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadModel, readSafetensors } from '#dist/node.js';
import { textOf } from './models.js';
import { call, makeFolder, start } from './program.js';

const folder = makeFolder();
const put = (name: string, config: object) => folder.put(`${name}.json`, JSON.stringify(config));
const out = (name: string, file: string) => join(folder.path, 'runs', name, file);

folder.put('text.txt', textOf(3000));
const config = {
  task: { kind: 'bytes', text: 'text.txt', split: [0.8, 0.1, 0.1] },
  model: { cell: 'lstm', hidden: 24, blocks: 3, embedding: 5 },
  train: {
    epochs: 6,
    batch: 4,
    steps: 7,
    dropout: 0.1,
    clip: 1,
    kernels: 'simd',
    schedule: { kind: 'cosine', peak: 0.01 },
  },
};

test.skipIf(process.platform === 'win32')(
  'Ctrl-C keeps a checkpoint and ends with 130; going on gives the bytes of a training that never stopped',
  async () => {
    const whole = await call('train', put('whole', config), '--threads', '1');
    expect(whole).toMatchObject({ code: 0 });

    const path = put('stopped', config);
    const { child, outcome } = start('train', path, '--json', '--threads', '1');
    let lines = 0;
    child.stdout!.on('data', (chunk: Buffer) => {
      const before = lines;
      lines += chunk.toString().split('\n').length;
      if (before < 150 && lines >= 150) child.kill('SIGINT');
    });
    const stopped = await outcome;
    expect(stopped.code).toBe(130);
    expect(JSON.parse(stopped.stderr)).toEqual({ error: { code: 'ERR_ABORTED', message: 'interrupted' } });
    expect(existsSync(out('stopped', 'model.safetensors'))).toBe(false);

    const rest = await call('train', path, '--resume', '--threads', '2');
    expect(rest).toMatchObject({ code: 0 });
    const [one, other] = ['whole', 'stopped'].map((name) => readFileSync(out(name, 'model.safetensors')));
    expect(other!.equals(one!)).toBe(true);
    const losses = (name: string) =>
      readFileSync(out(name, 'log.jsonl'), 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .filter(({ event }) => event === 'step' || event === 'epoch')
        .map(({ event, step, epoch, loss, learningRate }) => [event, step, epoch, loss, learningRate]);
    expect(losses('stopped')).toEqual(losses('whole'));
  },
);

test('the test part scores as blockrnn score does', async () => {
  const trained = await call('train', put('scored', config), '--threads', '1', '--json');
  const line = trained.stdout.trimEnd().split('\n').at(-2)!;
  const { event, loss, count } = JSON.parse(line);
  const scored = await call(
    'score',
    out('scored', 'model.safetensors'),
    ...[
      '--text',
      join(folder.path, 'text.txt'),
      '--from',
      '2700',
      '--streams',
      '4',
      '--kernels',
      'simd',
      '--json',
    ],
  );
  const { bitsPerByte, tokens } = JSON.parse(scored.stdout);
  expect([event, count]).toEqual(['test', tokens]);
  // Means of some hundred losses in f32, in another order.
  expect(Math.abs(loss / Math.LN2 - bitsPerByte)).toBeLessThan(1e-5);
});

test('labelled sequences: a page steps the model over numbers as they are', async () => {
  // Two frequencies at a level far from zero; the lengths differ.
  const waves = Array.from({ length: 120 }, (_, i) => {
    const steps = 12 + (i % 7);
    const speed = i % 2 === 0 ? 0.5 : 1.4;
    return [
      i % 2 === 0 ? 'slow' : 'fast',
      ...Array.from({ length: steps }, (_, t) => 500 + 40 * Math.sin(speed * t + i)),
    ];
  });
  folder.put('waves.csv', waves.map((row) => row.join(',')).join('\n'));
  const path = put('waves', {
    task: { kind: 'sequences', file: 'waves.csv', split: [0.7, 0.15, 0.15] },
    model: { cell: 'gru', hidden: 16, blocks: 4 },
    train: { epochs: 40, batch: 16, learningRate: 0.02, clip: 1, kernels: 'simd' },
  });
  expect(await call('train', path, '--threads', '1', '--quiet')).toMatchObject({ code: 0, stderr: '' });
  const bytes = readFileSync(out('waves', 'model.safetensors'));
  const classes: string[] = JSON.parse(readSafetensors(bytes).metadata.classes!);
  using model = await loadModel(bytes);
  const session = model.session();
  let hits = 0;
  for (const [label, ...values] of waves) {
    session.reset();
    let y = new Float32Array(2);
    for (const value of values) y = session.step(Float32Array.of(value as number)) as typeof y;
    if (classes[y.indexOf(Math.max(...y))] === label) hits++;
  }
  expect(hits / waves.length).toBeGreaterThan(0.9);
});

test('what goes wrong names the file and the field', async () => {
  const wrong = await call('train', put('wrong', { ...config, modle: 1 }));
  expect(wrong.code).toBe(1);
  expect(wrong.stderr).toMatch(
    /^blockrnn: .*wrong\.json: modle is unknown; the file may have task, model, train, out\.\n$/,
  );
  const train = { ...config.train, schedule: { kind: 'cosine', peak: -1 } };
  const rate = await call('train', put('rate', { ...config, train }));
  expect(rate.stderr).toMatch(/rate\.json: train\.schedule: peak must be/);
  const gone = await call('train', put('gone', { ...config, task: { kind: 'bytes', text: 'gone.txt' } }));
  expect(gone.stderr).toMatch(/gone\.txt: no such file or folder\.\n$/);
  const broken = put('broken', { ...config, train: { ...config.train, epochs: 1 } });
  expect((await call('train', broken, '--quiet')).code).toBe(0);
  const checkpoint = out('broken', 'checkpoint.safetensors');
  folder.put('runs/broken/checkpoint.safetensors', readFileSync(checkpoint).subarray(0, 500));
  const resumed = await call('train', broken, '--resume');
  expect([resumed.code, resumed.stderr.includes(`${checkpoint}: `)]).toEqual([1, true]);
});
