// Compiles the kernel binaries: four that run plain stacks, four that run every model, and two that also train. Those for a memory of one's own also
// become modules with their bytes in a string, so that every runtime and bundler can import them without knowing about
// files or URLs; shared ones are made from them (src/wasm/shared.ts). Skips what is up to date.
import { mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const run = 'assembly/index.ts';
const family = 'assembly/family.ts';
const train = 'assembly/train.ts';
const targets = {
  simd: { entry: run, isImported: true },
  'simd-shared': { entry: run, isImported: false },
  relaxed: { entry: run, isImported: true },
  'relaxed-shared': { entry: run, isImported: false },
  'family-simd': { entry: family, isImported: true },
  'family-simd-shared': { entry: family, isImported: false },
  'family-relaxed': { entry: family, isImported: true },
  'family-relaxed-shared': { entry: family, isImported: false },
  'train-simd': { entry: train, isImported: true },
  'train-relaxed': { entry: train, isImported: true },
};
const root = new URL('../', import.meta.url);
const generated = new URL('src/wasm/generated/', root);

const sources = (await readdir(new URL('assembly/', root), { recursive: true })).map(
  (name) => `assembly/${name}`,
);
const times = await Promise.all([...sources, 'asconfig.json', 'package-lock.json'].map(timeOf));
const newest = Math.max(...times);

await mkdir(generated, { recursive: true });
for (const [target, { entry, isImported }] of Object.entries(targets)) {
  const products = [`dist/wasm/${target}.wasm`];
  if (isImported) products.push(`src/wasm/generated/${target}.ts`);
  const made = await Promise.all(products.map((name) => timeOf(name).catch(() => 0)));
  if (Math.min(...made) > newest) continue;
  await compile(entry, target);
  const bytes = await readFile(new URL(products[0], root));
  if (isImported) {
    const beside = new URL(`${target}.ts.part`, generated);
    await writeFile(beside, `export const text: string =\n  '${encode(bytes)}';\n`);
    await rename(beside, new URL(`${target}.ts`, generated));
  }
  console.error(`built ${target}: ${bytes.length} bytes`);
}

/**
 * Bytes as text whose characters' low bytes they are (src/wasm/text.ts): printable ones are themselves, quotes, controls and
 * the like stand 256 further on. Gzipped it is 18 % less than base64, in which a byte is no unit that repeats.
 */
function encode(bytes) {
  const isPlain = (byte) =>
    (byte >= 0x20 && byte <= 0x7e && byte !== 0x27 && byte !== 0x5c) || (byte >= 0xa1 && byte !== 0xad);
  return Array.from(bytes, (byte) => String.fromCharCode(isPlain(byte) ? byte : 256 + byte)).join('');
}

async function timeOf(name) {
  return (await stat(new URL(name, root))).mtimeMs;
}

async function compile(entry, target) {
  const { error, stderr } = await asc.main([entry, '--config', 'asconfig.json', '--target', target], {
    baseDir: fileURLToPath(root),
  });
  if (error) {
    process.stderr.write(stderr.toString());
    throw error;
  }
}
