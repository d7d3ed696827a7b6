import { describe, expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { byteModel, textOf } from './models.js';
import { call, makeFolder } from './program.js';

const folder = makeFolder();
const model = folder.put('model.safetensors', encodeModel(byteModel()));
const text = folder.put('text.txt', textOf(40));
const commands = ['info', 'run', 'score', 'generate', 'convert', 'train', 'bench'];

describe('help', () => {
  test('the program lists its commands', async () => {
    const { code, stdout, stderr } = await call('--help');
    expect([code, stderr]).toEqual([0, '']);
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect((await call('help')).stdout).toBe(stdout);
    expect((await call('-h')).stdout).toBe(stdout);
  });

  test.each(commands)('%s shows its usage', async (name) => {
    const { code, stdout, stderr } = await call(name, '--help');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`^Usage: blockrnn ${name} `));
    expect(stdout).toContain('--json');
    expect((await call('help', name)).stdout).toBe(stdout);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(110);
  });

  test('without a command it goes to stderr, and that is a mistake', async () => {
    const { code, stdout, stderr } = await call();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: /);
  });
});

const wrong: [string, string[], RegExp][] = [
  ['unknown command', ['foo'], /unknown command "foo".*blockrnn --help/],
  ['unknown help', ['help', 'foo'], /unknown command "foo"/],
  ['unknown option of the program', ['--foo'], /unknown option --foo.*blockrnn --help/],
  ['unknown option', ['run', '--foo'], /unknown option --foo.*blockrnn run --help/],
  ['missing operand', ['run', model], /IN\.npy is missing.*blockrnn run --help/],
  ['missing -o', ['run', model, 'in.npy'], /-o OUT\.npy is missing/],
  ['one operand too many', ['info', model, 'x'], /"x" is one argument too many/],
  ['flag with a value', ['info', model, '--json=1'], /--json takes no value/],
  ['option without a value', ['bench', model, '--threads'], /--threads needs a value/],
  ['value like an option', ['generate', model, '--prompt', '-x'], /--prompt=-x/],
  [
    'threads 0',
    ['bench', model, '--threads', '0'],
    /--threads must be auto or a whole number within 1\.\.64/,
  ],
  ['threads 65', ['bench', model, '--threads', '65'], /--threads/],
  ['kernels', ['generate', model, '--kernels', 'fast'], /--kernels must be one of auto, simd, relaxed/],
  ['chars', ['generate', model, '--chars', 'x'], /--chars must be a whole number.*"x"/],
  ['chars 0', ['generate', model, '--chars', '0'], /--chars/],
  [
    'temperature',
    ['generate', model, '--temperature', '-1'],
    /--temperature must be a number of at least 0, got "-1"/,
  ],
  ['seed', ['generate', model, '--seed', '1.5'], /--seed/],
  ['two prompts', ['generate', model, 'A', '--prompt', 'B'], /give one of them/],
  ['empty prompt', ['generate', model, ''], /empty/],
  ['no text', ['score', model], /--text is missing/],
  [
    'from beyond the end',
    ['score', model, '--text', text, '--from', '41'],
    /--from 41 is beyond the 40 bytes/,
  ],
  ['to beyond the end', ['score', model, '--text', text, '--to', '41'], /--to 41 is beyond/],
  ['from after to', ['score', model, '--text', text, '--from', '9', '--to', '8'], /--from 9 is after --to 8/],
  ['too many streams', ['score', model, '--text', text, '--streams', '21'], /nothing to predict/],
  ['streams 0', ['score', model, '--text', text, '--streams', '0'], /--streams/],
  ['blocks', ['convert', model, 'x', '--blocks', 'many'], /--blocks must be auto or/],
  ['tolerance', ['convert', model, 'x', '--tolerance', '-0.1'], /--tolerance/],
  ['dtype', ['convert', model, 'x', '--dtype', 'i8'], /--dtype must be one of f32, f16/],
  ['no configuration', ['train'], /CONFIG\.json is missing.*blockrnn train --help/],
  ['threads of a training', ['train', 'x.json', '--threads', 'all'], /--threads must be auto or/],
  ['batch', ['bench', model, '--batch', '0'], /--batch/],
  ['steps', ['bench', model, '--steps', '-5'], /--steps must be a whole number.*"-5"/],
];

describe('wrong usage ends with 2, one line, and the cure', () => {
  test.each(wrong)('%s', async (_, argv, message) => {
    const { code, stdout, stderr } = await call(...argv);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^blockrnn: [^\n]* --help\n$/);
    expect(stderr).toMatch(message);
  });

  test('with --json the error is an object', async () => {
    const { code, stderr } = await call('bench', model, '--batch', 'x', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'ERR_USAGE', message: expect.stringContaining('blockrnn bench --help') },
    });
  });
});

describe('failures end with 1 and one line', () => {
  test.each(['info', 'score', 'generate', 'bench'])('%s of a file that is not there', async (name) => {
    const more = name === 'score' ? ['--text', text] : [];
    const { code, stdout, stderr } = await call(name, `${model}.not`, ...more);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toBe(`blockrnn: ${model}.not: no such file or folder.\n`);
  });

  test('a broken file: the tensor and the byte', async () => {
    const whole = encodeModel(byteModel());
    const cut = folder.put('cut.safetensors', whole.subarray(0, whole.length - 4));
    const plain = await call('info', cut);
    expect(plain.code).toBe(1);
    expect(plain.stderr).toMatch(
      /^blockrnn: .*cut\.safetensors: tensor "lstm\.0\..*cut short.*\(byte \d+\)\n$/,
    );
    const { code, stderr } = await call('info', cut, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr).error).toEqual({
      code: 'ERR_FORMAT',
      message: plain.stderr.slice('blockrnn: '.length, -1),
      file: cut,
      tensor: expect.stringMatching(/^lstm\.0\./),
      offset: expect.any(Number),
    });
  });

  test('a system error keeps its code', async () => {
    const { code, stderr } = await call('info', folder.path, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stderr).error.code).toBe('EISDIR');
  });
});
