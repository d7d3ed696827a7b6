// Compiles the four kernel binaries. The two for a memory of one's own also become modules with their bytes in base64,
// so that every runtime and bundler can import them without knowing about files or URLs; the shared ones are made from
// them (src/wasm/shared.ts). Skips what is up to date.
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const targets = { simd: true, 'simd-shared': false, relaxed: true, 'relaxed-shared': false };
const root = new URL('../', import.meta.url);
const generated = new URL('src/wasm/generated/', root);

const sources = (await readdir(new URL('assembly/', root), { recursive: true })).map(
  (name) => `assembly/${name}`,
);
const times = await Promise.all([...sources, 'asconfig.json', 'package-lock.json'].map(timeOf));
const newest = Math.max(...times);

await mkdir(generated, { recursive: true });
for (const [target, isImported] of Object.entries(targets)) {
  const products = [`dist/wasm/${target}.wasm`];
  if (isImported) products.push(`src/wasm/generated/${target}.ts`);
  const made = await Promise.all(products.map((name) => timeOf(name).catch(() => 0)));
  if (Math.min(...made) > newest) continue;
  await compile(target);
  const bytes = await readFile(new URL(products[0], root));
  if (isImported) {
    const beside = new URL(`${target}.ts.part`, generated);
    await writeFile(beside, `export const base64: string =\n  '${bytes.toString('base64')}';\n`);
    await rename(beside, new URL(`${target}.ts`, generated));
  }
  console.error(`built ${target}: ${bytes.length} bytes`);
}

async function timeOf(name) {
  return (await stat(new URL(name, root))).mtimeMs;
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
