import type { Browser } from 'playwright-core';
import { inject } from 'vitest';

/**
 * Opens a page of the server and waits for a promise that its script leaves in a global.
 * @param path as server.ts describes
 */
export async function visit(
  browser: Browser,
  path: string,
  global: string,
): Promise<{ answer: unknown; isolated: boolean; complaints: string[] }> {
  const page = await browser.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  try {
    await page.goto(`${inject('origin')}/${path}`);
    await page.waitForFunction(() => document.title === 'ready', undefined, { timeout: 20_000 });
    const isolated = await page.evaluate(() => globalThis.crossOriginIsolated);
    const answer: unknown = await page.evaluate(global);
    return { answer, isolated, complaints };
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}\n${complaints.join('\n')}`);
  } finally {
    await page.close();
  }
}
