// npm run evidence:page: writes docs/EVIDENCE.md, docs/evidence/*.svg and the table of docs/choosing-n.md from
// bench/results/evidence/*/*.json. A test holds them together.
import { readFile, rm } from 'node:fs/promises';
import { fillMarks } from '../pages.js';
import { replaceFile } from './keep.js';
import { readResults } from './read-results.js';
import { compareTasks, writePage } from './tables.js';
import { tasks } from './tasks.js';

const root = new URL('../../../', import.meta.url);
const page = new URL('docs/EVIDENCE.md', root);
const folder = new URL('docs/evidence/', root);

const before = await readFile(page, 'utf8').catch(() => '');
const results = await readResults(new URL('bench/results/evidence/', root), tasks);
const { text, pictures } = writePage(tasks, results, before);
await rm(folder, { recursive: true, force: true });
for (const [name, svg] of pictures) await replaceFile(new URL(name, folder), svg);
await replaceFile(page, text);
const guide = new URL('docs/choosing-n.md', root);
await replaceFile(guide, fillMarks(await readFile(guide, 'utf8'), compareTasks(tasks, results), 'evidence'));
