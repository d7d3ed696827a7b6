import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { savePicture } from './picture.js';

const endpoint = inject('chromium');
const root = join(import.meta.dirname, '../..');
/** A folder for screenshots, to be looked at by people. */
const screenshots = process.env.BLOCKRNN_SCREENSHOTS;

describe.skipIf(endpoint === undefined)('the page', () => {
  let server: ChildProcess;
  let isolated: string;
  let plain: string;
  let browser: Browser;

  beforeAll(async () => {
    server = spawn(process.execPath, [join(root, 'demo/serve.mjs'), '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface(server.stdout!), 'line')) as [string];
    expect(line).toMatch(/^http:\/\/localhost:\d+\/$/);
    isolated = line;
    // Any server's folder, without the headers.
    await promisify(execFile)(process.execPath, [
      join(root, 'demo/build.mjs'),
      join(inject('scratch'), 'some/path/of it'),
    ]);
    plain = `${inject('origin')}/plain/some/path/of%20it/index.html`;
    browser = await chromium.connect(endpoint!);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  async function open(
    address: string,
    options: BrowserContextOptions = { viewport: { width: 1280, height: 900 } },
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage(options);
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('response', (response) => {
      if (response.status() >= 400) complaints.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(address);
    return { page, complaints };
  }

  /** Waits until an element's text is as asked for, or says that something went wrong. */
  async function until(page: Page, selector: string, pattern: RegExp): Promise<string> {
    await page.waitForFunction(
      ([selector, source]) => {
        const said = document.querySelector(selector!)?.textContent ?? '';
        return new RegExp(source!).test(said) || document.querySelector('[role=alert]') !== null;
      },
      [selector, pattern.source] as const,
      { timeout: 90_000 },
    );
    const text = (await page.textContent(selector))!;
    expect(text).toMatch(pattern);
    return text;
  }

  const measured = /medians after a warm-up|measurement ended/;
  const numberIn = (text: string | null) => Number(text?.replace(/[^\d.]/g, ''));

  /** Sets a range as a hand does. */
  async function slide(page: Page, selector: string, value: number): Promise<void> {
    await page.locator(selector).fill(String(value));
  }

  /** How many pixels of a canvas are not empty, of one. */
  const inked = (page: Page, selector: string) =>
    page.evaluate((selector) => {
      // Of a copy: Chromium complains of pages that read their canvases.
      const canvas = document.querySelector<HTMLCanvasElement>(selector)!;
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {
        willReadFrequently: true,
      })!;
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((_, i) => i % 4 === 3).filter((alpha) => alpha > 0).length / (data.length / 4);
    }, selector);

  test('shows blocks, and measures them on one thread and on many', async () => {
    const { page, complaints } = await open(isolated);
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
    await page.locator('#panel-blocks .stage').scrollIntoViewIfNeeded();
    await page.selectOption('#units', '256');
    expect(await page.textContent('#structure')).toContain('8 blocks of 32');
    expect(await page.textContent('#recurrent')).toBe('32.8\u2009k');
    const note = await until(page, '#race-note', measured);
    expect(note).toMatch(/\d threads gave the same bytes as one/);
    expect(await page.locator('.standings tbody tr').count()).toBe(2);
    const label = (await page.getAttribute('#chart', 'aria-label'))!;
    expect([...label.matchAll(/(\d+): /g)].map(([, n]) => Number(n))).toEqual([
      1, 2, 4, 8, 16, 32, 64, 128, 256,
    ]);
    for (const cell of await page.locator('.standings td:last-child').allTextContents()) {
      expect(numberIn(cell)).toBeGreaterThan(0.2);
      expect(numberIn(cell)).toBeLessThan(10_000);
    }

    // The picture has as much in it as the matrix.
    for (const [log, structure, share] of [
      [0, 'dense', 1],
      [3, '8 blocks of 32', 1 / 8],
      [8, 'diagonal', 0],
    ] as const) {
      await slide(page, '#blocks', log);
      expect(await page.textContent('#structure')).toContain(structure);
      expect(await page.textContent('#n')).toBe(String(2 ** log));
      await page.waitForTimeout(500);
      expect(Math.abs((await inked(page, '#matrix')) - share)).toBeLessThan(0.02);
    }
    expect(numberIn(await page.textContent('#gain'))).toBeGreaterThan(1);
    expect(await page.textContent('#recurrent')).toBe('1.02\u2009k');

    // Keys move the slider, a click on the chart chooses N.
    await page.focus('#blocks');
    await page.keyboard.press('ArrowLeft');
    expect(await page.textContent('#n')).toBe('128');
    const { x, y, width, height } = (await page.locator('#chart .u-over').boundingBox())!;
    await page.mouse.click(x + (width * 0.25) / 8.5, y + height / 2);
    expect(await page.textContent('#n')).toBe('1');

    const before = await page.textContent('#speed');
    // In one breath, for the first figure comes within milliseconds.
    const cleared = await page.evaluate(() => {
      document.querySelector<HTMLElement>('#again')!.click();
      return document.querySelector('#speed')!.textContent;
    });
    expect(cleared).toBe('·');
    await until(page, '#race-note', measured);
    expect(numberIn(await page.textContent('#speed'))).toBeGreaterThan(numberIn(before) / 20);
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('races onnxruntime-web when it is asked to, and not before', async () => {
    const { page, complaints } = await open(isolated);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.selectOption('#units', '256');
    await until(page, '#race-note', measured);
    expect(asked.filter((path) => path.startsWith('/ort/'))).toEqual([]);
    await page.click('#rival');
    expect(await page.isDisabled('#rival')).toBe(true);
    await page.waitForFunction(
      () => /of two|measurement ended/.test(document.querySelector('#race-note')!.textContent),
      undefined,
      { timeout: 110_000 },
    );
    expect(await page.textContent('#race-note')).toContain('same numbers');
    const rows = await page.locator('.standings tbody tr').allTextContents();
    expect(rows.map((row) => row.replace(/[\d.·\u2009]+$/, ''))).toEqual([
      'blockrnn',
      'blockrnn',
      'onnxruntime-web',
      'onnxruntime-web',
    ]);
    for (const cell of await page.locator('.standings td:last-child').allTextContents())
      expect(numberIn(cell)).toBeGreaterThan(0.2);
    await page.close();
    expect(complaints).toEqual([]);
  });

  const written = (page: Page) => page.evaluate(() => document.querySelector('.column .text')!.textContent);

  test('writes as one types', async () => {
    const { page, complaints } = await open(isolated);
    await page.locator('#panel-write').scrollIntoViewIfNeeded();
    await until(page, '.column .text', /^ROMEO:[\s\S]{40}/);
    await until(page, '#write-note', /fewer is better/);
    expect(numberIn(await page.textContent('[data-fact=speed]'))).toBeGreaterThan(0.5);
    expect(await page.textContent('.column h3')).toBe('8 blocks');
    expect(await page.textContent('[data-fact=recurrent]')).toBe('131\u2009k');
    // What the package's own command says of the same text.
    const command = await promisify(execFile)(process.execPath, [
      join(root, 'lib/cli/main.js'),
      'score',
      join(root, 'demo/shakespeare-block8.safetensors'),
      '--text',
      join(root, 'demo/sonnets.txt'),
    ]);
    const bits = /([\d.]+) bits per byte/.exec(command.stdout)![1];
    expect(await page.textContent('[data-fact=bits]')).toBe(Number(bits).toFixed(2));

    await page.fill('#prompt', '');
    await page.locator('#prompt').pressSequentially('JULIET:');
    expect(await written(page)).toMatch(/^JULIET:/);
    const before = (await written(page)).length;
    await page.click('#full');
    await page.waitForFunction(
      (length) => document.querySelector('.column .text')!.textContent.length > length + 2000,
      before,
    );
    expect(numberIn(await page.textContent('[data-fact=written]'))).toBeGreaterThan(2000);
    await page.click('#pause');
    const paused = await written(page);
    await page.waitForTimeout(150);
    expect(await written(page)).toBe(paused);
    expect(paused).toMatch(/[a-z]{3,} [a-z]{2,}/);

    // The surest text is always the same, and says so with no dice.
    await page.click('#full');
    await slide(page, '#temperature', 0);
    expect(await page.textContent('#warmth')).toBe('0.0');
    const texts: string[] = [];
    for (let time = 0; time < 2; time++) {
      await page.click('#panel-write button[type=submit]');
      if (time === 0) await page.click('#pause');
      await until(page, '.column .text', /^JULIET:[\s\S]{60}/);
      texts.push((await written(page)).slice(0, 60));
    }
    expect(texts[1]).toBe(texts[0]);
    // Letters that the model does not know are left out; without any it begins by itself.
    await page.fill('#prompt', 'é€');
    await until(page, '.column .text', /^\S?[\s\S]{10}/);
    expect(await inked(page, '.column canvas')).toBeGreaterThan(0.05);
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('puts the dense network beside the blocks', async () => {
    const { page, complaints } = await open(isolated);
    await page.locator('#panel-write').scrollIntoViewIfNeeded();
    await until(page, '#write-note', /fewer is better/);
    expect(await page.locator('.column h3').allTextContents()).toEqual(['8 blocks', 'Dense']);
    expect(await page.locator('[data-fact=recurrent]').allTextContents()).toEqual([
      '131\u2009k',
      '1.05\u2009M',
    ]);
    for (const bits of await page.locator('[data-fact=bits]').allTextContents()) {
      expect(numberIn(bits)).toBeGreaterThan(1.5);
      expect(numberIn(bits)).toBeLessThan(3);
    }
    const speeds = await page.locator('[data-fact=speed]').allTextContents();
    expect(numberIn(speeds[0]!)).toBeLessThan(numberIn(speeds[1]!));
    await slide(page, '#temperature', 0);
    await page.fill('#prompt', 'HAMLET:');
    await until(page, '.column + .column .text', /^HAMLET:[\s\S]{40}/);
    await page.click('#full');
    await page.waitForTimeout(500);
    const [more, less] = (await page.locator('[data-fact=written]').allTextContents()).map(numberIn);
    expect(more).toBeGreaterThan(less!);
    if (screenshots !== undefined) {
      await page.click('#full');
      await slide(page, '#temperature', 0.8);
      await page.fill('#prompt', 'HAMLET: To be');
      await page.waitForTimeout(4000);
      await page.locator('#panel-write').screenshot({ path: join(screenshots, 'side by side.png') });
    }
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('shows the code that it runs', async () => {
    const { page, complaints } = await open(isolated);
    for (const name of ['blocks', 'write']) {
      const panel = page.locator(`#panel-${name}`);
      await panel.locator('summary').focus();
      await page.keyboard.press('Enter');
      await until(page, `#panel-${name} code`, /blockrnn/);
      const source = await readFile(join(root, `demo/page/snippets/${name}.js`), 'utf8');
      expect(await panel.locator('code').textContent()).toBe(source.trimEnd());
      expect(await panel.locator('code .word').first().textContent()).toBe('import');
    }
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('works from any path of any server, on one thread', async () => {
    const { page, complaints } = await open(plain);
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(false);
    expect(await page.textContent('#isolation')).toContain('one thread');
    await page.selectOption('#units', '256');
    expect(await until(page, '#race-note', measured)).toContain('One thread');
    await page.click('#rival');
    await until(page, '#race-note', /of two|measurement ended/);
    expect(await page.textContent('#race-note')).toContain('same numbers');
    expect(await page.locator('.standings tbody tr').count()).toBe(2);
    await page.locator('#panel-write').scrollIntoViewIfNeeded();
    await until(page, '#write-note', /fewer is better/);
    await until(page, '.column .text', /^ROMEO:[\s\S]{40}/);
    await page.locator('#panel-write summary').click();
    await until(page, '#panel-write code', /loadModel/);
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('says in a panel what went wrong there', async () => {
    const page = await browser.newPage();
    await page.route('**/*.safetensors', (route) => route.fulfill({ status: 404, body: '' }));
    await page.goto(isolated);
    await page.locator('#panel-write').scrollIntoViewIfNeeded();
    await page.waitForSelector('#panel-write [role=alert]');
    expect(await page.textContent('#panel-write [role=alert]')).toContain('404');
    expect(await page.locator('#panel-blocks [role=alert]').count()).toBe(0);
    await page.close();
  });

  test.each([
    ['a wide window, dark', 1280, 'dark'],
    ['a telephone', 390, 'light'],
    ['a telephone, dark', 390, 'dark'],
    ['a wide window', 1280, 'light'],
  ] as const)('fits %s', async (name, width, colorScheme) => {
    const { page, complaints } = await open(isolated, {
      viewport: { width, height: width === 390 ? 844 : 900 },
      colorScheme,
      deviceScaleFactor: width === 390 ? 2 : 1,
      reducedMotion: 'reduce',
    });
    for (const panel of await page.locator('.panel').all()) await panel.scrollIntoViewIfNeeded();
    await until(page, '#write-note', /fewer is better/);
    await page.locator('#panel-blocks summary').click();
    await until(page, '#panel-blocks code', /blockrnn/);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    const small = await page.evaluate(() =>
      Array.from(document.querySelectorAll('button, input, select, summary'))
        // A label around a control is pressed in its place.
        .filter((control) => (control.closest('label') ?? control).getBoundingClientRect().height < 32)
        .map((control) => control.outerHTML),
    );
    expect(small).toEqual([]);
    expect(await page.evaluate(findPale)).toEqual([]);
    await page.locator('#panel-blocks summary').click();
    if (screenshots !== undefined) {
      await page.locator('#panel-blocks .stage').scrollIntoViewIfNeeded();
      await until(page, '#race-note', measured);
      await page.click('#rival');
      await until(page, '#race-note', /of two|measurement ended/);
      await page.locator('#panel-write').scrollIntoViewIfNeeded();
      await page.waitForTimeout(5000);
      await page.evaluate(() => scrollTo(0, 0));
      await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
      // What the README shows: the panels as far as they have something to show.
      const end = await page.evaluate(
        () => document.querySelector('#panel-write .code')!.getBoundingClientRect().top,
      );
      if (colorScheme === 'light')
        await savePicture(page, join(screenshots, `page-${width}.png`), Math.round(end));
    }
    await page.close();
    expect(complaints).toEqual([]);
  });
});

/** Texts whose contrast is less than WCAG 2.2 asks of small ones, 4.5. Runs in the page, so all that it needs is in it. */
function findPale(): string[] {
  const read = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = ([r = 0, g = 0, b = 0]: number[]) => {
    const [x, y, z] = [r, g, b].map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    }) as [number, number, number];
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element: Element): number[] => {
    for (let at: Element | null = element; at !== null; at = at.parentElement) {
      const colour = read(getComputedStyle(at).backgroundColor);
      if ((colour[3] ?? 1) > 0) return colour;
    }
    return [255, 255, 255];
  };
  const pale: string[] = [];
  for (const element of Array.from(document.querySelectorAll('body *'))) {
    const isText = Array.from(element.childNodes).some(
      (node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim(),
    );
    if (!isText) continue;
    const [a, b] = [read(getComputedStyle(element).color), behind(element)].map(luminance) as [
      number,
      number,
    ];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) pale.push(`${contrast.toFixed(2)} ${element.textContent?.trim().slice(0, 40)}`);
  }
  return pale;
}
