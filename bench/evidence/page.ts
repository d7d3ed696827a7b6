// npm run evidence:page: writes docs/EVIDENCE.md and docs/evidence/*.svg from bench/results/evidence/*/*.json. A test
// holds them together.
import { readFile, rm } from 'node:fs/promises';
import { replaceFile } from './keep.js';
import { readResults } from './read-results.js';
import { writePage } from './tables.js';
import { tasks } from './tasks.js';

const root = new URL('../../../', import.meta.url);
const page = new URL('docs/EVIDENCE.md', root);
const folder = new URL('docs/evidence/', root);

const before = await readFile(page, 'utf8').catch(() => '');
const { text, pictures } = writePage(
  tasks,
  await readResults(new URL('bench/results/evidence/', root), tasks),
  before,
);
await rm(folder, { recursive: true, force: true });
for (const [name, svg] of pictures) await replaceFile(new URL(name, folder), svg);
await replaceFile(page, text);
