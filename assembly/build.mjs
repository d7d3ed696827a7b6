// Compiles the four kernel binaries and writes each as a module with its bytes in base64, so that every
// runtime and bundler can import them without knowing about files or URLs. Skips what is up to date.
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const targets = ['simd', 'simd-shared', 'relaxed', 'relaxed-shared'];
const root = new URL('../', import.meta.url);
const out = new URL('src/wasm/generated/', root);

const sources = (await readdir(new URL('assembly/', root), { recursive: true })).map(
  (name) => `assembly/${name}`,
);
const times = await Promise.all(
  [...sources, 'asconfig.json', 'package-lock.json'].map(
    async (name) => (await stat(new URL(name, root))).mtimeMs,
  ),
);
const newest = Math.max(...times);

await mkdir(out, { recursive: true });
for (const target of targets) {
  const module = new URL(`${target}.ts`, out);
  const built = await stat(module).catch(() => undefined);
  if (built !== undefined && built.mtimeMs > newest) continue;
  await compile(target);
  const bytes = await readFile(new URL(`dist/wasm/${target}.wasm`, root));
  const text = `export const base64: string =\n  '${bytes.toString('base64')}';\n`;
  const beside = new URL(`${target}.ts.part`, out);
  await writeFile(beside, text);
  await rename(beside, module);
  console.error(`built ${target}: ${bytes.length} bytes`);
}

async function compile(target) {
  const { error, stderr } = await asc.main(
    ['assembly/index.ts', '--config', 'asconfig.json', '--target', target],
    {
      baseDir: fileURLToPath(root),
    },
  );
  if (error) {
    process.stderr.write(stderr.toString());
    throw error;
  }
}
