import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Training } from './cases.js';

/** PyTorch in a process of its own, which keeps its own time. */
export interface Torch {
  version: string;
  blas: string;
  ask<Answer>(request: object): Promise<Answer>;
  close(): void;
}

/**
 * Starts bench/train/torch_lstm.py with $PYTHON, else with the python3 of $PATH, else with the system's own, to which
 * Debian's python3-torch belongs.
 * @returns why not, where there is no Python or no PyTorch
 */
export async function startTorch(threads: number): Promise<Torch | string> {
  const { PYTHON } = process.env;
  let found: Torch | string = '';
  for (const python of PYTHON === undefined ? ['python3', '/usr/bin/python3'] : [PYTHON]) {
    found = await startPython(python, threads);
    if (typeof found !== 'string') break;
  }
  return found;
}

async function startPython(python: string, threads: number): Promise<Torch | string> {
  const script = fileURLToPath(new URL('../../../bench/train/torch_lstm.py', import.meta.url));
  const count = `${threads}`;
  const child = spawn(python, [script, count], {
    // OpenBLAS has threads of its own, whose number it reads at the start. Those of OpenMP would spin on the cores that
    // OpenBLAS's need: waiting passively, two threads of each on two cores took a third of the time and less.
    env: {
      ...process.env,
      OMP_NUM_THREADS: count,
      OPENBLAS_NUM_THREADS: count,
      MKL_NUM_THREADS: count,
      OMP_WAIT_POLICY: 'PASSIVE',
    },
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async <Answer>(): Promise<Answer> => {
    const { value, done } = await answers.next();
    if (done) throw new Error(errors.trim().split('\n').at(-1) || `${python} ended`);
    return JSON.parse(value) as Answer;
  };
  try {
    const hello = await Promise.race([next<Pick<Torch, 'version' | 'blas'>>(), failureOf(child)]);
    return {
      ...hello,
      ask: <Answer>(request: object) => {
        child.stdin.write(`${JSON.stringify(request)}\n`);
        return next<Answer>();
      },
      close: () => void child.stdin.end(),
    };
  } catch (error) {
    return error instanceof Error ? error.message : `${error}`;
  }
}

function failureOf(child: ChildProcessWithoutNullStreams): Promise<never> {
  return new Promise((_resolve, reject) => child.on('error', reject));
}

/** What it is asked to train. */
export function openRequest(
  name: string,
  { spec, options, learningRate, batch }: Training,
  weights: string,
): object {
  return {
    call: 'open',
    name,
    weights,
    spec,
    x: Array.from(batch.x),
    targets: Array.from(batch.targets),
    steps: batch.steps,
    batch: batch.batch,
    optimizer: options.optimizer.kind,
    rate: learningRate,
    clip: options.clip ?? null,
    dropout: options.dropout,
    tie: options.tie ?? false,
  };
}
