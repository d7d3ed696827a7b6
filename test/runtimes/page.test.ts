import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

const endpoint = inject('chromium');
/** A folder for screenshots, to be looked at by people. */
const screenshots = process.env.BLOCKRNN_SCREENSHOTS;

describe.skipIf(endpoint === undefined)('npm run demo', () => {
  let server: ChildProcess;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    const script = join(import.meta.dirname, '../../demo/serve.mjs');
    server = spawn(process.execPath, [script, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
    expect(line).toMatch(/^http:\/\/localhost:\d+\/$/);
    address = line;
    browser = await chromium.connect(endpoint!);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  async function open(options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    await page.goto(address);
    return { page, complaints };
  }

  const textOf = (page: Page) => page.evaluate(() => document.getElementById('text')!.textContent);

  test('writes and measures, one thread and many', async () => {
    const { page, complaints } = await open({ viewport: { width: 1280, height: 900 }, colorScheme: 'light' });
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    await page.waitForFunction(() => document.getElementById('text')!.textContent.length > 40);
    expect(await textOf(page)).toMatch(/^ROMEO:/);

    await page.waitForFunction(() =>
      /same bytes|did not work/.test(document.getElementById('note')!.textContent),
    );
    expect(await page.textContent('#note')).toContain('same bytes as one');
    for (const row of ['step', 'solo', 'crew']) {
      const microseconds = Number(await page.textContent(`[data-row="${row}"] dd`));
      expect(microseconds).toBeGreaterThan(1);
      expect(microseconds).toBeLessThan(10_000);
    }
    expect(await page.textContent('[data-row="crew"] dt')).toMatch(/\d+ threads/);
    expect(await page.textContent('#structure')).toContain('8 blocks');

    const before = (await textOf(page)).length;
    await page.click('#speed');
    await page.waitForFunction(
      (length) => document.getElementById('text')!.textContent.length > length + 2000,
      before,
    );
    await page.click('#pause');
    const paused = await textOf(page);
    await page.waitForTimeout(150);
    expect(await textOf(page)).toBe(paused);
    expect(paused).toMatch(/[a-z]{3,} [a-z]{2,}/);

    await page.click('#speed');
    await page.fill('#prompt', 'JULIET:');
    await page.click('button[type=submit]');
    expect(await textOf(page)).toMatch(/^JULIET:/);
    await page.close();
    expect(complaints).toEqual([]);
  });

  test.each([
    ['a wide window, dark', 1280, 'dark'],
    ['a telephone', 390, 'light'],
    ['a telephone, dark', 390, 'dark'],
    ['a wide window', 1280, 'light'],
  ] as const)('fits %s', async (name, width, colorScheme) => {
    const { page, complaints } = await open({
      viewport: { width, height: width === 390 ? 844 : 860 },
      colorScheme,
      deviceScaleFactor: width === 390 ? 2 : 1,
    });
    await page.waitForFunction(() => document.getElementById('text')!.textContent.length > 10);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const small = await page.evaluate(() =>
      Array.from(document.querySelectorAll('button, input'))
        .map((control) => control.getBoundingClientRect())
        .filter(({ height }) => height < 32),
    );
    expect(small).toEqual([]);
    if (screenshots !== undefined) {
      await page.waitForFunction(() =>
        /bytes|did not work/.test(document.getElementById('note')!.textContent),
      );
      await page.waitForTimeout(4000);
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
    }
    await page.close();
    expect(complaints).toEqual([]);
  });
});
