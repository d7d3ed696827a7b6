import { spawn } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** Writes bench/results/NAME, whole or not at all. */
export async function keep(name: string, results: object): Promise<void> {
  const folder = new URL('../../bench/results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const beside = new URL(`${name}.part`, folder);
  await writeFile(beside, `${JSON.stringify(results, round, 1)}\n`);
  await rename(beside, new URL(name, folder));
}

/** Runs a script of build/bench in a process of its own, which prints its findings as JSON. */
export function measure<Report>(script: string, ...args: (number | string)[]): Promise<Report> {
  const isNode20 = Number(process.versions.node.split('.')[0]) < 22;
  const flags = isNode20 ? ['--experimental-wasm-relaxed-simd'] : [];
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [...flags, path, ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text) as Report);
      else reject(new Error(`${script} ${args.join(' ')} ended with code ${code}`));
    });
  });
}

function round(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(5)) : value;
}
