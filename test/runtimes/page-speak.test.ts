import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join as joinPath } from 'node:path';
import { createInterface } from 'node:readline';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { bands, framesIn, logMel, rate } from '../../demo/page/audio/features.js';
import { phases, record } from '../../demo/page/audio/recognizer.js';
import { join, readTestRecordings } from '../demo/recordings.js';

const endpoint = inject('chromium');
/** A folder for screenshots, to be looked at by people. */
const screenshots = process.env.BLOCKRNN_SCREENSHOTS;
const recordings = readTestRecordings(20);

type Snippet = Pick<typeof import('../../demo/page/snippets/speak.js'), 'openListener'>;

interface Hearing {
  records: number[];
  isShared: boolean;
}

describe.skipIf(endpoint === undefined)('the panels Speak and Move', () => {
  let server: ChildProcess;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    const script = joinPath(import.meta.dirname, '../../demo/serve.mjs');
    server = spawn(process.execPath, [script, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    [address] = (await once(createInterface(server.stdout!), 'line')) as [string];
    browser = await chromium.connect(endpoint!);
  });
  afterAll(async () => {
    await browser?.close();
    server?.kill();
  });

  /** @param isIsolated false: the page comes without the headers that let it share memory */
  async function open(
    panel: 'speak' | 'move',
    options: BrowserContextOptions = {},
    isIsolated = true,
  ): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    if (!isIsolated) {
      await page.route(address, async (route) => {
        const response = await route.fetch();
        const headers = Object.entries(response.headers()).filter(
          ([name]) => !name.startsWith('cross-origin'),
        );
        await route.fulfill({ response, headers: Object.fromEntries(headers) });
      });
    }
    await page.goto(`${address}#panel-${panel}`);
    await page.locator(`#panel-${panel}`).scrollIntoViewIfNeeded();
    await page.waitForSelector(panel === 'speak' ? '.speak-toggle' : '.move-controls button');
    return { page, complaints };
  }

  /** What the worklet says of a sound that an offline context plays to it. */
  async function hear(page: Page, sound: Float32Array, contextRate: number): Promise<Hearing> {
    // As a script of the page: an import in a function that is sent there would be rewritten for this process.
    const content = `globalThis.openListener = (await import('./panels/speak.js')).openListener;`;
    await page.addScriptTag({ type: 'module', content });
    await page.waitForFunction('globalThis.openListener');
    return page.evaluate(
      async ({ samples, rate, contextRate, expected }) => {
        const { openListener } = globalThis as unknown as Snippet;
        const length = Math.ceil((samples.length / rate) * contextRate);
        const context = new OfflineAudioContext(1, length, contextRate);
        const records: number[] = [];
        const url = './models/digits-block8.safetensors';
        const { node, model, share } = await openListener(context, url, (heard: Float32Array) => {
          records.push(...heard);
        });
        model.dispose();
        const buffer = context.createBuffer(1, samples.length, rate);
        buffer.copyToChannel(Float32Array.from(samples), 0);
        const source = new AudioBufferSourceNode(context, { buffer });
        source.connect(node).connect(context.destination);
        source.start();
        await context.startRendering();
        // Messages may come later than the sound.
        for (let i = 0; i < 100 && records.length < expected; i++)
          await new Promise((resolve) => setTimeout(resolve, 20));
        return { records, isShared: share.memory !== undefined };
      },
      {
        samples: Array.from(sound),
        rate,
        contextRate,
        // Four in a message; a filter's delay, at another rate than 8 kHz, can cost one message.
        expected: (Math.floor(framesIn(sound.length) / 4) - (contextRate === rate ? 0 : 1)) * 4 * record.size,
      },
    );
  }

  test.each([
    ['isolated', true],
    ['plain', false],
  ])('a page that is %s: the worklet has the features of the sound', async (_, isIsolated) => {
    const { page, complaints } = await open('speak', {}, isIsolated);
    expect(await page.evaluate(() => globalThis.crossOriginIsolated)).toBe(isIsolated);
    // From 100 Hz to 3.9 kHz in two seconds.
    const chirp = Float32Array.from({ length: 2 * rate }, (_, i) => {
      const t = i / rate;
      return 0.3 * Math.sin(2 * Math.PI * (100 * t + (3800 / 4) * t * t));
    });
    const { records, isShared } = await hear(page, chirp, rate);
    expect(isShared).toBe(isIsolated);
    const frames = records.length / record.size;
    expect(frames).toBe(Math.floor(framesIn(chirp.length) / 4) * 4);
    const expected = logMel(chirp);
    for (let frame = 0; frame < frames; frame++) {
      for (let band = 0; band < bands; band++) {
        const found = records[frame * record.size + record.features + band]!;
        // The same sums in f64, but another version of the engine may have another sin and log in the last bit: what
        // is left of that is one rounding to f32 of a value within ±4.
        expect(Math.abs(found - expected[frame * bands + band]!)).toBeLessThanOrEqual(2 ** -22);
      }
    }
    // Two and a half seconds is the longest word; this one goes on to the end.
    expect(records[(frames - 1) * record.size + record.phase]).toBe(phases.word);
    await page.close();
    expect(complaints).toEqual([]);
  });

  test.skipIf(recordings.length === 0).each([8000, 48_000, 44_100])(
    'recordings are heard in a context of %i samples per second',
    async (contextRate) => {
      const { page, complaints } = await open('speak');
      const sounds = recordings.map(({ samples }) => samples);
      const { records } = await hear(page, join(sounds, rate * 0.4), contextRate);
      const heard: number[] = [];
      for (let at = 0; at < records.length; at += record.size)
        if (records[at + record.phase] === phases.end) heard.push(records[at + record.digit]!);
      expect(heard).toHaveLength(recordings.length);
      const right = recordings.filter(({ digit }, i) => digit === heard[i]).length;
      expect(right).toBeGreaterThanOrEqual(0.8 * recordings.length);
      await page.close();
      expect(complaints).toEqual([]);
    },
  );

  test('a recording is played, heard and drawn; what is no sound, and no microphone, is said', async () => {
    const { page, complaints } = await open('speak');
    const isData = recordings.length > 0;
    const words = recordings.slice(0, 4);
    const sound = isData ? words.map(({ samples }) => samples) : [hum(0.4), hum(0.5)];
    const buffer = encodeWav(join(sound, rate * 0.4));
    await page.setInputFiles('.speak-file input', { name: 'digits.wav', mimeType: 'audio/wav', buffer });
    await page.waitForFunction(() => /^Playing/.test(document.querySelector('.speak-note')!.textContent));
    expect(await page.getAttribute('.speak-toggle', 'aria-pressed')).toBe('true');
    await page.waitForFunction(() => /^That was/.test(document.querySelector('.speak-note')!.textContent));
    const heard = (await page.textContent('.speak-heard'))!.match(/\d/g)?.map(Number) ?? [];
    expect(heard).toHaveLength(sound.length);
    if (isData) expect(words.filter(({ digit }, i) => digit === heard[i]).length).toBeGreaterThanOrEqual(3);
    expect(await page.getAttribute('.speak-toggle', 'aria-pressed')).toBe('false');
    expect(Number(await page.textContent('.speak-digit'))).toBe(heard.at(-1));
    const cost = (await page.textContent('.speak-cost'))!;
    expect(cost).toMatch(/128 units in 8 blocks.*in shared memory/);
    const microseconds = Number(/takes (\d+)\s*µs/.exec(cost)?.[1]);
    expect(microseconds).toBeGreaterThan(0);
    expect(microseconds).toBeLessThan(10_000);

    const wrong = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('one two three') };
    await page.setInputFiles('.speak-file input', wrong);
    await page.waitForFunction(() => /notes/.test(document.querySelector('.speak-note')!.textContent));
    await page.waitForFunction(() => /no sound/.test(document.querySelector('.speak-note')!.textContent));
    await page.click('.speak-toggle');
    await page.waitForFunction(() => /microphone/.test(document.querySelector('.speak-note')!.textContent));
    await page.waitForFunction(() =>
      /recording works/.test(document.querySelector('.speak-note')!.textContent),
    );
    await page.close();
    expect(complaints).toEqual([]);
  });

  test('recorded digits are heard by those who have no microphone', async () => {
    const { page, complaints } = await open('speak');
    const heard: (string | null)[] = [];
    for (let digit = 0; digit < 10; digit++) {
      await page.getByRole('button', { name: String(digit), exact: true }).click();
      await page.waitForFunction(
        (said) => document.querySelector('.speak-note')!.textContent === said,
        `That was a recorded ${digit}.`,
      );
      heard.push(await page.textContent('.speak-digit'));
    }
    expect(heard.filter((digit, i) => digit === String(i)).length).toBeGreaterThanOrEqual(9);
    await page.close();
    expect(complaints).toEqual([]);
  });

  test.each(['no-preference', 'reduce'] as const)('strokes are named; motion: %s', async (reducedMotion) => {
    const { page, complaints } = await open('move', { reducedMotion });
    for (const [label, name] of [
      ['Clockwise', 'clockwise'],
      ['Counter-clockwise', 'counter-clockwise'],
      ['A line', 'move'],
      ['Rest', 'stop'],
    ] as const) {
      await page.getByRole('button', { name: label, exact: true }).press('Enter');
      await page.waitForFunction((name) => document.querySelector('.move-name')!.textContent === name, name);
    }
    const shares = await page.$$eval('.move-bars div', (bars) =>
      bars.map((bar) => Number((bar as HTMLElement).style.getPropertyValue('--share'))),
    );
    expect(shares).toHaveLength(4);
    expect(shares.reduce((sum, share) => sum + share)).toBeCloseTo(1, 2);
    await page.waitForFunction(() => /\d µs/.test(document.querySelector('.move-note')!.textContent));
    await page.close();
    expect(complaints).toEqual([]);
  });

  test.each([
    ['clockwise', 1],
    ['counter-clockwise', -1],
  ] as const)('a hand that draws circles: %s', async (name, direction) => {
    const { page, complaints } = await open('move');
    await page.locator('.move-canvas').scrollIntoViewIfNeeded();
    const box = (await page.locator('.move-canvas').boundingBox())!;
    const start = performance.now();
    const place = () => {
      // A turn in a second, half as wide as the canvas is high.
      const angle = (direction * 2 * Math.PI * (performance.now() - start)) / 1000;
      const radius = box.height / 4;
      return [
        box.x + box.width / 2 + radius * Math.cos(angle),
        box.y + box.height / 2 + radius * Math.sin(angle),
      ] as const;
    };
    await page.mouse.move(...place());
    await page.mouse.down();
    let found: string | null = null;
    while (found !== name && performance.now() - start < 15_000) {
      await page.mouse.move(...place());
      found = await page.textContent('.move-name');
    }
    expect(found).toBe(name);
    // Held still, it stops.
    await page.waitForFunction(() => document.querySelector('.move-name')!.textContent === 'stop');
    await page.mouse.up();
    await page.close();
    expect(complaints).toEqual([]);
  });

  test.each([
    ['wide, dark', 1280, 'dark'],
    ['wide', 1280, 'light'],
    ['telephone', 390, 'light'],
    ['telephone, dark', 390, 'dark'],
  ] as const)('both fit: %s', async (name, width, colorScheme) => {
    for (const panel of ['speak', 'move'] as const) {
      const { page, complaints } = await open(panel, {
        viewport: { width, height: width === 390 ? 844 : 860 },
        colorScheme,
        deviceScaleFactor: width === 390 ? 2 : 1,
      });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      const small = await page.$$eval(`#panel-${panel} .stage :is(button, label)`, (controls) =>
        controls.map((control) => control.getBoundingClientRect().height).filter((height) => height < 32),
      );
      expect(small).toEqual([]);
      if (screenshots !== undefined) {
        await act(page, panel);
        await page
          .locator(`#panel-${panel}`)
          .screenshot({ path: joinPath(screenshots, `${panel}, ${name}.png`) });
      }
      await page.close();
      expect(complaints).toEqual([]);
    }
  });

  /** Something to look at. */
  async function act(page: Page, panel: 'speak' | 'move'): Promise<void> {
    if (panel === 'move') {
      await page.getByRole('button', { name: 'Clockwise', exact: true }).click();
      await page.waitForTimeout(2500);
      return;
    }
    const sounds = recordings.slice(4, 9).map(({ samples }) => samples);
    const buffer = encodeWav(join(sounds.length > 0 ? sounds : [hum(0.4), hum(0.5)], rate * 0.3));
    await page.setInputFiles('.speak-file input', { name: 'digits.wav', mimeType: 'audio/wav', buffer });
    await page.waitForFunction(() => /^Playing/.test(document.querySelector('.speak-note')!.textContent));
    await page.waitForTimeout(3200);
  }
});

/** A low voice that says nothing. */
function hum(seconds: number): Float32Array {
  return Float32Array.from({ length: seconds * rate }, (_, i) => {
    const phase = (2 * Math.PI * 120 * i) / rate;
    return 0.1 * (Math.sin(phase) + Math.sin(5 * phase) / 2 + Math.sin(11 * phase) / 4);
  });
}

/** 16-bit PCM, one channel, 8 kHz. */
function encodeWav(samples: Float32Array): Buffer {
  const bytes = Buffer.alloc(44 + 2 * samples.length);
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(2 * rate, 28);
  bytes.writeUInt16LE(2, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(2 * samples.length, 40);
  for (const [i, sample] of samples.entries())
    bytes.writeInt16LE(Math.max(-32768, Math.min(32767, Math.round(sample * 32768))), 44 + 2 * i);
  return bytes;
}
