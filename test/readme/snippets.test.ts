import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { prepareFolder } from './fixtures.js';
import { type Block, type Page, pages, root } from './pages.js';

const execute = promisify(execFile);
const scratch = join(root, 'build/snippets');

/** What blocks may be. Those of pages and of other runtimes are run in test/runtimes/guides.test.ts. */
const languages = ['js', 'json', 'sh', 'html', 'python', 'text'];

describe.each(pages)('$path', (page) => {
  // The package refers to itself by name from any folder of its own.
  const folder = page.path === 'README.md' ? root : join(scratch, page.name);

  beforeAll(() => {
    mkdirSync(scratch, { recursive: true });
    // Training does not overwrite what it made another time.
    if (folder === root) rmSync(join(root, 'build/sonnets'), { recursive: true, force: true });
    else prepareFolder(page, folder, root);
  });

  it('has blocks of known kinds, each with a language', () => {
    const unknown = page.blocks.filter(({ language }) => !languages.includes(language));
    expect(unknown.map(({ language, line }) => `line ${line}: ${language}`)).toEqual([]);
    expect(page.text.match(/^```/gm)?.length ?? 0).toBe(2 * page.blocks.length);
  });

  for (const block of page.blocks) {
    const { language, file, line } = block;
    if (language === 'sh') {
      for (const command of block.text.trim().split('\n'))
        it(`line ${line}: ${command}`, () => runCommand(command, folder));
    } else if (language === 'js' && file === undefined) {
      it(`line ${line} runs as it stands`, () => runScript(page, block, folder));
    } else if (language === 'json') {
      it(`line ${line} is JSON`, () => {
        JSON.parse(block.text);
      });
    } else if (language === 'python') {
      it.skipIf(!hasPython)(`line ${line} is Python`, () => runPython(block, folder));
    }
  }
});

/** Runs a line of a shell in which npx finds this package and its neighbours. */
async function runCommand(line: string, folder: string): Promise<void> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
  const [first, second] = words as [string, string];
  if (first === 'deno' || first === 'bun') return;
  if (first === 'node') return tryServer(second, folder);
  expect(first).toBe('npx');
  expect(['blockrnn', 'esbuild']).toContain(second);
  const main = second === 'blockrnn' ? 'lib/cli/main.js' : 'node_modules/esbuild/bin/esbuild';
  const { stdout, stderr } = await execute(process.execPath, [join(root, main), ...words.slice(2)], {
    cwd: folder,
  });
  expect(stdout + stderr).not.toBe('');
}

async function runScript({ path }: Page, { text, line }: Block, folder: string): Promise<void> {
  const file =
    folder === root
      ? join(scratch, `README-${line}.mjs`)
      : join(folder, `${path.replace(/\W/g, '-')}-${line}.mjs`);
  writeFileSync(file, text);
  const { stdout } = await execute(process.execPath, [file], { cwd: folder });
  expect(stdout).not.toBe('');
  expect(stdout).not.toContain('false');
}

/** Starts a server, which says where it is, and asks for a page and for a file that lies outside. */
async function tryServer(script: string, folder: string): Promise<void> {
  const server = spawn(process.execPath, [script, '0'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [origin] = (await once(createInterface(server.stdout), 'line')) as [string];
    writeFileSync(join(folder, 'served.html'), 'served');
    const response = await fetch(`${origin}/served.html`);
    expect(await response.text()).toBe('served');
    expect(response.headers.get('Content-Type')).toBe('text/html');
    expect(response.headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin');
    expect(response.headers.get('Cross-Origin-Embedder-Policy')).toBe('require-corp');
    expect((await fetch(`${origin}/nothing.html`)).status).toBe(404);
    expect((await fetch(`${origin}/..%2fpytorch%2fids.npy`)).status).toBe(404);
  } finally {
    server.kill();
  }
}

const python = process.platform === 'win32' ? 'python' : 'python3';
const hasPython = await execute(python, ['--version']).then(
  () => true,
  () => false,
);

/** Where there is no PyTorch it is compiled only; what it would have made is there already. */
async function runPython({ text }: Block, folder: string): Promise<void> {
  await execute(python, ['-c', 'import ast, sys; ast.parse(sys.argv[1])', text]);
  const modules = ['-c', 'import numpy, safetensors.torch'];
  const hasTorch = await execute(python, modules).then(
    () => true,
    () => false,
  );
  if (hasTorch) await execute(python, ['-c', text], { cwd: folder });
}

describe('README', () => {
  const readme = pages.find(({ path }) => path === 'README.md')!;
  const blocks = (language: string) => readme.blocks.filter((block) => block.language === language);

  it('shows the configuration that it trains with', () => {
    expect(blocks('json').map(({ text }) => JSON.parse(text) as unknown)).toContainEqual(
      JSON.parse(readFileSync(join(root, 'demo/train.json'), 'utf8')),
    );
  });

  it('has snippets of both kinds', () => {
    expect(blocks('js').length).toBeGreaterThan(1);
    expect(blocks('sh').length).toBeGreaterThan(0);
  });

  it('begins with eight lines that run', () => {
    const [first] = blocks('js');
    expect(
      first!.text
        .trim()
        .split('\n')
        .filter((line) => line !== ''),
    ).toHaveLength(8);
    expect(readme.text.indexOf(first!.text)).toBeLessThan(readme.text.indexOf('\n## '));
  });
});

describe('docs/threads.md', () => {
  it('shows a configuration of Vite that has both headers, twice', async () => {
    const page = pages.find(({ name }) => name === 'threads')!;
    const { text } = page.blocks.find(({ file }) => file === 'vite.config.js')!;
    const address = `data:text/javascript,${encodeURIComponent(text)}`;
    const { default: config } = (await import(/* @vite-ignore */ address)) as {
      default: Record<'server' | 'preview', { headers: object }>;
    };
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    };
    expect([config.server.headers, config.preview.headers]).toEqual([headers, headers]);
  });
});

describe('commands in the pages', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };

  it.each(pages)('$path names scripts of npm that there are', ({ text }) => {
    const names = [...text.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name!);
    expect(names.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it('every guide has something that runs', () => {
    const idle = pages.filter(
      ({ name, blocks }) =>
        name !== 'README' && !blocks.some(({ language }) => ['js', 'sh'].includes(language)),
    );
    expect(idle.map(({ path }) => path)).toEqual([]);
    expect(existsSync(join(root, 'docs/README.md'))).toBe(true);
  });
});
