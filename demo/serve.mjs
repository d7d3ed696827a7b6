/**
 * Builds the page in demo/page and serves it with the headers that let it share memory with threads. Who loads it
 * again after a change gets what has changed.
 *
 *   node demo/serve.mjs [--port N]      default: 8080, or a free one when that is taken
 */
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { buildPage } from './build.mjs';

const demo = fileURLToPath(new URL('.', import.meta.url));
const types = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.wav': 'audio/wav',
  '.safetensors': 'application/octet-stream',
};
const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

const { values } = parseArgs({ options: { port: { type: 'string' } } });
const folder = await mkdtemp(join(tmpdir(), 'blockrnn-demo-'));
/** Bodies by path, compressed where that helps. */
const bodies = new Map();
let built = 0;
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit());
await rebuild();

const server = createServer(
  async ({ url, method, headers: { 'accept-encoding': accepts = '' } }, response) => {
    try {
      const path = join('/', normalize(decodeURIComponent(new URL(url, 'http://localhost').pathname)));
      if (path === '/' && (await latestChange()) > built) await rebuild();
      const file = path === '/' ? '/index.html' : path;
      const { raw, zipped } = await readBody(file);
      const isZipped = zipped !== undefined && accepts.includes('gzip');
      const body = isZipped ? zipped : raw;
      response.writeHead(200, {
        'Content-Type': types[extname(file)] ?? 'application/octet-stream',
        'Content-Length': body.length,
        ...(isZipped ? { 'Content-Encoding': 'gzip' } : {}),
        ...headers,
      });
      response.end(method === 'HEAD' ? undefined : body);
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/plain', ...headers });
      response.end('Not found.\n');
    }
  },
);

async function rebuild() {
  const now = Date.now();
  await buildPage(folder);
  bodies.clear();
  built = now;
}

/** When a source of the page, or the package, was last written. */
async function latestChange() {
  const paths = (await readdir(demo, { recursive: true })).map((path) => join(demo, path));
  const times = await Promise.all([...paths, join(demo, '../lib/index.js')].map((path) => stat(path)));
  return Math.max(...times.map(({ mtimeMs }) => mtimeMs));
}

function readBody(path) {
  const reading = bodies.get(path) ?? read(path);
  bodies.set(path, reading);
  reading.catch(() => bodies.delete(path));
  return reading;
}

async function read(path) {
  const raw = await readFile(join(folder, path));
  // Weights do not get smaller, and a model that comes as it is says how long it is.
  const zipped = /\.(html|css|m?js|json|txt|wasm)$/.test(path) ? await promisify(gzip)(raw) : undefined;
  return { raw, zipped };
}

server.on('listening', () => {
  console.log(`http://localhost:${server.address().port}/`);
});
server.once('error', (error) => {
  if (error.code !== 'EADDRINUSE' || values.port !== undefined) throw error;
  server.listen(0, 'localhost');
});
server.listen(Number(values.port ?? 8080), 'localhost');
