// Makes of dist/ what is published, in lib/: few files, because each costs Node about 0.7 ms when it is imported.
import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

const options = {
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  external: ['node:*', 'piscina', '@assemblyscript/loader'],
  outdir: 'lib',
  logLevel: 'warning',
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
// Node's door is one file, kernels in it, and without the spaces, which Node would read. Names stay, for traces, and
// lines, because Node prints the one in which an error was thrown.
await build({
  ...options,
  entryPoints: { node: 'dist/node.js' },
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
});
