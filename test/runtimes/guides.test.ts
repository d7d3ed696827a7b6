import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { prepareFolder } from '../readme/fixtures.js';
import { type Page, pages } from '../readme/pages.js';
import { engines } from './engines.js';

/** What the guides show for pages and for other runtimes, with the packed package; the rest is in test/readme. */
const scratch = inject('scratch');
const endpoint = inject('chromium');
const folderOf = ({ name }: Page) => join(scratch, 'guides', name);
const guides = pages.filter(({ path }) => path !== 'README.md');

const installed = join(scratch, 'node_modules/blockrnn');

beforeAll(async () => {
  for (const page of guides) {
    prepareFolder(page, folderOf(page), installed);
    // What a page loads has been converted on the lines above it.
    for (const line of linesOf(page).filter((text) => text.startsWith('npx blockrnn convert '))) {
      const [, , ...args] = line.split(' ');
      await promisify(execFile)(process.execPath, [join(installed, 'lib/cli/main.js'), ...args], {
        cwd: folderOf(page),
      });
    }
  }
});

function linesOf({ blocks }: Page): string[] {
  return blocks.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.trim().split('\n'));
}

describe.skipIf(endpoint === undefined)('in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.connect(endpoint!);
  });
  afterAll(() => browser?.close());

  const shown = guides.flatMap(({ name, blocks }) =>
    blocks.filter(({ language }) => language === 'html').map(({ file }) => [name, file!] as const),
  );

  test.each(shown)('%s: %s says something, and nothing to complain of', async (name, file) => {
    await look('isolated', name, file);
  });

  test('threads: the page works without isolation', async () => {
    expect(await look('plain', 'threads', 'page.html')).toBe('1 threads');
    expect(await look('isolated', 'threads', 'page.html')).toMatch(/^\d+ threads$/);
  });

  async function look(manner: string, name: string, file: string): Promise<string> {
    const page = await browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(String(error)));
    try {
      await page.goto(`${inject('origin')}/${manner}/guides/${name}/${file}`);
      const button = page.locator('button');
      if ((await button.count()) > 0) {
        await page.waitForFunction(() => document.querySelector('button')!.onclick !== null);
        await button.click();
      }
      await page.waitForFunction(() => document.querySelector('output')!.textContent !== '', undefined, {
        timeout: 20_000,
      });
      expect(complaints).toEqual([]);
      return (await page.textContent('output'))!;
    } catch (error) {
      throw new Error(`${name}/${file}: ${(error as Error).message}\n${complaints.join('\n')}`);
    } finally {
      await page.close();
    }
  }
});

describe('in other runtimes', () => {
  const commands = guides.flatMap((page) =>
    linesOf(page)
      .filter((line) => /^(?:deno|bun) /.test(line))
      .map((line) => ({ line, page })),
  );

  test('the guides have some', () => {
    expect(commands.map(({ line }) => line.split(' ')[0]).sort()).toEqual(['bun', 'deno']);
  });

  test.each(commands)('$line', async ({ line, page }) => {
    const [name, ...args] = line.split(' ') as [string, ...string[]];
    const executable = engines.find((engine) => engine.name.toLowerCase() === name)?.command?.[0];
    if (executable === undefined) return;
    const { stdout } = await promisify(execFile)(executable, args, {
      cwd: folderOf(page),
      env: { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1' },
      timeout: 60_000,
    });
    expect(stdout).toMatch(/^65 \d+\n$/);
  });
});
