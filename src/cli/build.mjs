// Makes a module of the plotting library, so that the report of a training has it in itself and the package has no
// dependency more. Skips what is up to date.
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const generated = new URL('./generated/', import.meta.url);
const target = new URL('uplot.ts', generated);
const script = fileURLToPath(import.meta.resolve('uplot/dist/uPlot.iife.min.js'));
const from = {
  script,
  style: script.replace('uPlot.iife.min.js', 'uPlot.min.css'),
  licence: `${dirname(dirname(script))}/LICENSE`,
};

const times = await Promise.all([...Object.values(from), fileURLToPath(import.meta.url)].map(timeOf));
if ((await timeOf(target).catch(() => 0)) <= Math.max(...times)) {
  const lines = await Promise.all(
    Object.entries(from).map(
      async ([name, path]) =>
        `export const ${name}: string =\n  ${JSON.stringify(await readFile(path, 'utf8'))};\n`,
    ),
  );
  await mkdir(generated, { recursive: true });
  const beside = new URL('uplot.ts.part', generated);
  await writeFile(beside, lines.join('\n'));
  await rename(beside, target);
  console.error('built uplot: a module of the plotting library');
}

async function timeOf(path) {
  return (await stat(path)).mtimeMs;
}
