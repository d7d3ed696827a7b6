import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
};

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** What the first part of a path means: the same files under other headers. */
const manners: Record<string, Record<string, string>> = {
  isolated: isolation,
  plain: {},
  strict: {
    ...isolation,
    'Content-Security-Policy': "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
  },
};

/** What a bundler or an import map does. */
const addresses: Record<string, string> = {
  blockrnn: './node_modules/blockrnn/lib/index.js',
  'blockrnn/train': './node_modules/blockrnn/lib/train.js',
  'blockrnn/worklet': './node_modules/blockrnn/lib/worklet.js',
};
const importMap = `<script type="importmap">${JSON.stringify({ imports: addresses })}</script>`;

/**
 * Serves a folder under /isolated/, /plain/ and /strict/. A page `…/page?FILE` runs the module FILE, with an import
 * map for blockrnn. A strict page may have no such map, and a worklet sees none: their modules' imports are rewritten.
 */
export async function serve(folder: string): Promise<{ origin: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const { pathname, search } = new URL(request.url!, 'http://localhost');
    const [, manner = '', ...parts] = pathname.split('/');
    const headers = manners[manner];
    const path = normalize(parts.map(decodeURIComponent).join('/'));
    try {
      if (headers === undefined || path.startsWith('..')) throw new Error('not here');
      let body: Buffer | string;
      if (path === 'page') body = page(search.slice(1), manner !== 'strict');
      else body = await readFile(join(folder, path));
      if (path.endsWith('.mjs') && (manner === 'strict' || path.endsWith('.worklet.mjs')))
        body = rewrite(body.toString());
      const type = path === 'page' ? types['.html'] : types[extname(path)];
      response.writeHead(200, { 'Content-Type': type ?? 'application/octet-stream', ...headers });
      response.end(body);
    } catch {
      response.writeHead(404, { 'Content-Type': 'text/html' });
      response.end('<!doctype html><title>404</title>');
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function page(script: string, mapped: boolean): string {
  const scripts = `${mapped ? importMap : ''}<script type="module" src="./${script}"></script>`;
  return `<!doctype html><meta charset="utf-8"><title>blockrnn</title>${scripts}`;
}

function rewrite(text: string): string {
  return text.replace(/from '(blockrnn[^']*)'/g, (_, name: string) => `from '${addresses[name]}'`);
}
