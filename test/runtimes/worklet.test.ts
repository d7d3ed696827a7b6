import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { visit } from './visit.js';

const endpoint = inject('chromium');

describe.skipIf(endpoint === undefined)('in an audio worklet of Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.connect(endpoint!);
  });
  afterAll(() => browser?.close());

  test.each([
    ['isolated', true],
    ['plain', false],
    ['strict', true],
  ])('%s: every sample is as it is in the page; memory is shared: %s', async (manner, isShared) => {
    const { answer, complaints } = await visit(browser, `${manner}/page?audio.mjs`, 'heard');
    const { error, ...heard } = answer as Record<string, unknown>;
    expect(error).toBeUndefined();
    expect(heard.isShared).toBe(isShared);
    expect(heard.played).toBe(heard.run);
    expect(heard.range).toBeGreaterThan(0.1);
    expect(complaints).toEqual([]);
  });
});

test('a thousand quanta leave no garbage', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', 'quanta.mjs'], {
    cwd: inject('scratch'),
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  // One number for each of 128 000 steps would be two megabytes.
  expect(Number(stdout)).toBeLessThan(64 * 1024);
});
