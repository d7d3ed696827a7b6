/**
 * Builds the page in demo/page to static files: any server gives them, from any path, with the isolation headers or
 * without. Needs lib/, so `npm run build` first.
 *
 *   node demo/build.mjs [folder]      default: build/page
 */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'demo/page');
/** What the button that asks for onnxruntime-web loads, and nothing else does. */
const rival = ['ort.wasm.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  outbase: page,
  logLevel: 'warning',
  // lib/ says of most of its files that they do nothing by themselves, and imports some for order alone.
  logOverride: { 'ignored-bare-import': 'silent' },
};

/** @param folder where the files go; what was in it goes */
export async function buildPage(folder) {
  const files = await readdir(page, { recursive: true });
  const find = (pattern) => files.filter((file) => pattern.test(file)).map((file) => join(page, file));
  await rm(folder, { recursive: true, force: true });
  await mkdir(join(folder, 'models'), { recursive: true });
  await Promise.all([
    build({
      ...common,
      entryPoints: find(/^(page\.ts|style\.css|panels[\\/][\w-]+\.(?:ts|css)|.*\.worker\.ts)$/),
      outdir: folder,
      splitting: true,
      chunkNames: 'parts/[name]-[hash]',
      plugins: [ourselves],
    }),
    // An audio worklet's module is one file. So is a worker of the package, which esbuild does not find by itself.
    build({
      ...common,
      entryPoints: find(/^audio[\\/].*\.worklet\.ts$/),
      outdir: folder,
      plugins: [ourselves],
    }),
    build({ ...common, entryPoints: { 'blockrnn.worker': 'lib/web-post.js' }, outdir: folder }),
    cp(join(page, 'index.html'), join(folder, 'index.html')),
    ...find(/^snippets[\\/].*\.js$/).map((file) => cp(file, join(folder, 'snippets', basename(file)))),
    copyModels(join(folder, 'models')),
    cp(join(root, 'demo/samples'), join(folder, 'samples'), { recursive: true }),
    ...rival.map((file) =>
      cp(join(root, 'node_modules/onnxruntime-web/dist', file), join(folder, 'ort', file)),
    ),
  ]);
}

/** The package by its name, or by the path at which a page without a bundler finds it. */
const ourselves = {
  name: 'blockrnn',
  setup({ onResolve }) {
    onResolve({ filter: /^(?:\.{1,2}\/)*blockrnn(\/[\w-]+)?(\.js)?$/ }, ({ path }) => {
      const door = /blockrnn\/([\w-]+)/.exec(path)?.[1] ?? 'index';
      return { path: join(root, 'lib', `${door}.js`) };
    });
  },
};

/** All models of demo/ and demo/models, the text that they are scored on, and a list of what is there. */
async function copyModels(folder) {
  const demo = join(root, 'demo');
  const own = (await readdir(demo)).filter((file) => /\.(safetensors|txt)$/.test(file));
  await Promise.all(own.map((file) => cp(join(demo, file), join(folder, file))));
  await cp(join(demo, 'models'), folder, { recursive: true }).catch((error) => {
    if (error.code !== 'ENOENT') throw error;
  });
  const all = await readdir(folder, { recursive: true });
  await writeFile(join(folder, 'files.json'), JSON.stringify(all.map((path) => path.replaceAll('\\', '/'))));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = resolve(process.argv[2] ?? join(root, 'build/page'));
  await buildPage(folder);
  console.log(`${basename(folder)}: ${(await readdir(folder, { recursive: true })).length} files`);
}
