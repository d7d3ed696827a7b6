import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '#dist/formats/native.js';
import { byteModel } from './models.js';
import { makeFolder, start } from './program.js';

const folder = makeFolder();
const model = folder.put('model.safetensors', encodeModel(byteModel()));

describe('the program as a process', () => {
  test('is what package.json says', async () => {
    const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    const bin = fileURLToPath(new URL(`../../${manifest.bin.blockrnn}`, import.meta.url));
    expect(readFileSync(bin, 'utf8').startsWith('#!/usr/bin/env node\n')).toBe(true);
    const { code, stdout } = await start('--version').outcome;
    expect([code, stdout]).toEqual([0, `${manifest.version}\n`]);
  });

  test('writes results to stdout and ends with 0', async () => {
    const argv = ['generate', model, 'ABE:', '--chars', '50', '--seed', '1', '--threads', '2'];
    const [first, second] = await Promise.all([start(...argv).outcome, start(...argv).outcome]);
    expect(first.code).toBe(0);
    expect(first.stdout).toMatch(/^ABE:/);
    expect(second.stdout).toBe(first.stdout);
    expect(first.stderr).toContain('characters a second');
  });

  test('ends with 1 on failure and 2 on misuse, without a stack trace', async () => {
    const failed = await start('info', folder.path).outcome;
    expect(failed).toEqual({
      code: 1,
      stdout: '',
      stderr: `blockrnn: ${folder.path}: this is a folder, not a file.\n`,
    });
    const misused = await start('info').outcome;
    expect(misused).toEqual({
      code: 2,
      stdout: '',
      stderr: 'blockrnn: MODEL is missing. See: blockrnn info --help\n',
    });
  });

  test('ends quietly when nobody reads on', async () => {
    const { child, outcome } = start('generate', model, 'A', '--chars', '1000000000');
    child.stdout!.once('data', () => child.stdout!.destroy());
    expect(await outcome).toMatchObject({ code: 0, stderr: '' });
  });

  test.skipIf(process.platform === 'win32')('Ctrl-C ends it with 130', async () => {
    const { child, outcome } = start('generate', model, 'A', '--chars', '1000000000');
    child.stdout!.once('data', () => setTimeout(() => child.kill('SIGINT'), 50));
    expect(await outcome).toMatchObject({ code: 130, stderr: '\nblockrnn: interrupted\n' });
  });
});
