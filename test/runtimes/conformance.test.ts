import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { engines } from './engines.js';
import { visit } from './visit.js';

interface Report {
  results: { name: string; ok: boolean; detail: string }[];
  digests: Record<string, string>;
  kernels: string[];
  names: string[];
}

const scratch = inject('scratch');
const endpoint = inject('chromium');
const deno = engines.find(({ name }) => name === 'Deno')?.command?.[0];
const model = 'demo/shakespeare-block8.safetensors';
const reports = new Map<string, Report>();

function examine(runtime: string, report: Report): void {
  const failures = report.results.filter(({ ok }) => !ok);
  expect(failures.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([]);
  expect(report.results.length).toBeGreaterThan(50);
  reports.set(runtime, report);
}

describe('the packed package, imported by', () => {
  for (const { name, command } of engines) {
    const title = command === undefined ? `${name} (npm has none for this platform)` : name;
    test.skipIf(command === undefined)(title, async () => {
      const [executable, ...args] = command!;
      const { stdout } = await promisify(execFile)(executable, [...args, 'main.mjs', model, 'threads'], {
        cwd: scratch,
        env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
        timeout: 60_000,
      });
      const line = stdout.split('\n').find((text) => text.startsWith('report '))!;
      examine(name, JSON.parse(line.slice('report '.length)) as Report);
    });
  }

  describe.skipIf(endpoint === undefined)('Chromium (npm has one for linux-x64)', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.connect(endpoint!);
    });
    afterAll(() => browser?.close());

    test.each([
      ['isolated', 'in an isolated page'],
      ['plain', 'in a page that is not isolated: one thread'],
      ['strict', "under script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'"],
    ])('%s: %s', async (manner) => {
      const { answer, isolated, complaints } = await visit(browser, `${manner}/page?page.mjs`, 'report');
      expect(isolated).toBe(manner !== 'plain');
      const report = answer as Report & { error?: string };
      expect(report.error).toBeUndefined();
      examine(`Chromium, ${manner}`, report);
      const wanted = manner === 'plain' ? [expect.stringContaining('not cross-origin isolated')] : [];
      expect(complaints).toEqual(wanted);
    });
  });
});

describe.skipIf(deno === undefined)('npm:blockrnn in Deno', () => {
  async function run(threads: number, ...permissions: string[]): Promise<unknown> {
    const args = ['run', '--no-prompt', ...permissions, 'deno.mjs', String(threads)];
    const { stdout, stderr } = await promisify(execFile)(deno!, args, {
      cwd: scratch,
      env: { ...process.env, NO_COLOR: '1' },
      timeout: 30_000,
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout);
  }

  test('needs to read the model, and the environment for threads: Piscina asks it', async () => {
    const one = (await run(1, '--allow-read')) as object;
    expect(one).toMatchObject({ threads: 1 });
    expect(await run(2, '--allow-read', '--allow-env')).toEqual({ ...one, threads: 2 });
  });
});

test('the plain binary gives the same bytes in each', () => {
  const [first, ...others] = reports;
  expect(Object.keys(first![1].digests).length).toBeGreaterThan(25);
  for (const [, { digests }] of others) expect(digests).toEqual(first![1].digests);
});

test('every runtime finds the same names', () => {
  const [first, ...others] = reports;
  for (const [, { names }] of others) expect(names).toEqual(first![1].names);
});
