import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './pages.js';

interface Api {
  pages: Map<string, string>;
  bare: string[];
}

const { renderApi } = (await import(new URL('../../docs/api.mjs', import.meta.url).href)) as {
  renderApi(): Api;
};
const api = renderApi();
const folder = join(root, 'docs/api');

test('every name, field and method has a docstring', () => {
  expect(api.bare).toEqual([]);
});

test('docs/api says what the docstrings say; npm run docs writes it', () => {
  expect(readdirSync(folder).sort()).toEqual([...api.pages.keys()].sort());
  for (const [name, text] of api.pages) expect(readFileSync(join(folder, name), 'utf8'), name).toBe(text);
});

test.each([
  ['blockrnn.md', '#dist/node.js'],
  ['train.md', '#dist/train-node.js'],
  ['worklet.md', '#dist/worklet.js'],
])('%s has everything that can be imported', async (page, door) => {
  const names = Object.keys((await import(door)) as object);
  const text = api.pages.get(page)!;
  expect(names.filter((name) => !text.includes(`### ${name}\n`) && !text.includes(`[${name}](`))).toEqual([]);
});
