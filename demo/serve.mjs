/**
 * Serves the page in demo/page with the headers that let it share memory with threads. Its TypeScript is transpiled as
 * it is asked for.
 *
 *   node demo/serve.mjs [--port N]      default: 8080, or a free one when that is taken
 */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { dirname, extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { transform } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));

/** What is served, by the first part of the path. */
const folders = {
  blockrnn: join(here, '../lib'),
  models: here,
  '': join(here, 'page'),
};
const types = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.safetensors': 'application/octet-stream',
};
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

/** JavaScript by the path of its source, with the time at which that was written. */
const transpiled = new Map();

const { values } = parseArgs({ options: { port: { type: 'string' } } });
const server = createServer(async ({ url, method }, response) => {
  try {
    const path = find(new URL(url, 'http://localhost').pathname);
    const type = types[extname(path)];
    if (type === undefined) throw new Error(`nothing of this kind is served: ${path}`);
    const code = type === types['.js'] && dirname(path) === folders[''] ? await transpile(path) : undefined;
    const size = code?.length ?? (await stat(path)).size;
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': size, ...headers });
    if (method === 'HEAD') response.end();
    else if (code !== undefined) response.end(code);
    else createReadStream(path).pipe(response);
  } catch {
    response.writeHead(404, { 'Content-Type': 'text/plain', ...headers });
    response.end('Not found.\n');
  }
});

function find(pathname) {
  const parts = normalize(decodeURIComponent(pathname)).split(/[\\/]/).slice(1);
  const [first] = parts;
  if (first !== '' && Object.hasOwn(folders, first)) return join(folders[first], ...parts.slice(1));
  return join(folders[''], parts.join('/') || 'index.html');
}

/** The JavaScript at a path, out of the TypeScript beside it. */
async function transpile(path) {
  const source = path.replace(/\.js$/, '.ts');
  const { mtimeMs } = await stat(source);
  const known = transpiled.get(source);
  if (known?.mtimeMs === mtimeMs) return known.code;
  const options = { loader: 'ts', format: 'esm', target: 'es2022', sourcefile: source, logLevel: 'warning' };
  const code = Buffer.from((await transform(await readFile(source, 'utf8'), options)).code);
  transpiled.set(source, { mtimeMs, code });
  return code;
}

server.on('listening', () => {
  console.log(`http://localhost:${server.address().port}/`);
});
server.once('error', (error) => {
  if (error.code !== 'EADDRINUSE' || values.port !== undefined) throw error;
  server.listen(0, 'localhost');
});
server.listen(Number(values.port ?? 8080), 'localhost');
