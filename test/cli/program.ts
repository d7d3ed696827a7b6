import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { runCli } from '#dist/cli/cli.js';
import type { Terminal } from '#dist/cli/terminal.js';

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

export const main = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));

/** A terminal that keeps what it is told. */
export class Recorder implements Terminal {
  readonly hasStyle = false;
  readonly #out: Uint8Array[] = [];
  stderr = '';
  constructor(readonly isWatched = false) {}

  async write(data: string | Uint8Array): Promise<void> {
    this.#out.push(Buffer.from(data));
  }

  note(text: string): void {
    this.stderr += text;
  }

  get stdout(): string {
    return Buffer.concat(this.#out).toString();
  }
}

/** Runs the program in this process. */
export async function call(...argv: string[]): Promise<Outcome> {
  return callWith(new AbortController().signal, ...argv);
}

export async function callWith(signal: AbortSignal, ...argv: string[]): Promise<Outcome> {
  const terminal = new Recorder();
  const code = await runCli(argv, terminal, signal);
  return { code, stdout: terminal.stdout, stderr: terminal.stderr };
}

/** Starts the program as a process of its own. */
export function start(...argv: string[]): { child: ChildProcess; outcome: Promise<Outcome> } {
  const child = spawn(process.execPath, [main, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.on('data', (chunk: Buffer) => chunks[name].push(chunk));
  }
  const outcome = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({
        code,
        stdout: Buffer.concat(chunks.stdout).toString(),
        stderr: Buffer.concat(chunks.stderr).toString(),
      }),
    );
  });
  return { child, outcome };
}

/** A folder of this test file's own, gone afterwards. */
export function makeFolder(): { path: string; put(name: string, bytes: Uint8Array | string): string } {
  const path = mkdtempSync(join(tmpdir(), 'blockrnn-cli-'));
  afterAll(() => rmSync(path, { recursive: true, force: true }));
  return {
    path,
    put(name, bytes) {
      const file = join(path, name);
      writeFileSync(file, bytes);
      return file;
    },
  };
}
