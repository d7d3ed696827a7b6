// Makes of dist/ what is published, in lib/: few files, because each costs Node about 0.7 ms when it is imported.
import { rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { build } from 'esbuild';

const options = {
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  external: ['node:*', 'piscina', '@assemblyscript/loader'],
  outdir: 'lib',
  logLevel: 'warning',
  // The kernels are text of many characters.
  charset: 'utf8',
};

await rm('lib', { recursive: true, force: true });
await build({
  ...options,
  entryPoints: {
    index: 'dist/index.js',
    worklet: 'dist/worklet.js',
    post: 'dist/schedule/post.js',
    'web-post': 'dist/schedule/web-post.js',
    train: 'dist/train.js',
    'train-node': 'dist/train-node.js',
    // Workers' code is looked for where it lies beside that which hires them.
    'train/train-post': 'dist/train/train-post.js',
    'train/train-web-post': 'dist/train/train-web-post.js',
    'cli/main': 'dist/cli/main.js',
  },
  // A page fetches the kernels that it runs, and no others.
  splitting: true,
  chunkNames: '[name]-[hash]',
});
// Node's doors, kernels in them, and without the spaces, which Node would read. Names stay, for traces, and lines,
// because Node prints the one in which an error was thrown.
const node = { ...options, minifyWhitespace: true, minifySyntax: true, lineLimit: 120 };
// What a start needs is one file; readers of other formats, what graphs need, and the kernels of wider models lie beside it
// until someone has such a file.
const besideNode = {
  name: 'beside node.js',
  setup({ onResolve }) {
    onResolve({ filter: /\/(onnx|rnnoise|graph|family-\w+)\.js$/ }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./node-${basename(path)}`, external: true } : undefined,
    );
  },
};
// Errors are told apart by their classes, so what lies beside throws those of the door.
const errorsOfNode = {
  name: 'errors of node.js',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/node\.js$/, namespace: 'errors' }, () => ({
      path: './node.js',
      external: true,
    }));
    onResolve({ filter: /\/base\/errors\.js$/ }, ({ path, resolveDir, namespace }) =>
      namespace === 'errors' ? undefined : { path: resolve(resolveDir, path), namespace: 'errors' },
    );
    onLoad({ filter: /.*/, namespace: 'errors' }, ({ path }) => ({
      contents: `
        export { AbortError, FormatError, MismatchError, UnsupportedError, WorkerError } from './node.js';
        export { ArgumentRangeError, ArgumentTypeError } from ${JSON.stringify(path)};`,
      resolveDir: dirname(path),
    }));
  },
};
await build({ ...node, entryPoints: { node: 'dist/node.js' }, plugins: [besideNode] });
for (const kernels of ['family-simd', 'family-relaxed'])
  await build({ ...node, entryPoints: { [`node-${kernels}`]: `dist/wasm/generated/${kernels}.js` } });
const besides = {
  'node-graph': 'dist/session/graph.js',
  'node-onnx': 'dist/formats/onnx/onnx.js',
  'node-rnnoise': 'dist/formats/rnnoise/rnnoise.js',
};
for (const [name, entry] of Object.entries(besides))
  await build({ ...node, entryPoints: { [name]: entry }, plugins: [errorsOfNode] });
