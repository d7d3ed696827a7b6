import { MismatchError } from '../base/errors.js';
import { show } from '../base/guards.js';
import { type NpyArray, writeNpy } from '../formats/npy.js';
import type { ModelSpec } from '../model/spec.js';
import { inputWidth } from '../model/wiring.js';
import { loadModel } from '../node.js';
import { checkPlaces, writeBeside } from './beside.js';
import { type Command, kernelsOption, threadsOption } from './command.js';
import { about } from './failure.js';
import { readArray, readBytes } from './files.js';
import { count, duration, plural } from './numbers.js';
import { Progress } from './progress.js';
import { decodeState, encodeState } from './state-file.js';
import { UsageError } from './usage-error.js';

/** `blockrnn run`: arrays in, arrays out. */
export const run: Command = {
  name: 'run',
  summary: 'run a model on a .npy array',
  operands: [{ name: 'MODEL' }, { name: 'IN.npy' }],
  options: {
    out: { type: 'string', short: 'o', value: 'OUT.npy', help: 'where the output goes (needed)' },
    state: { type: 'string', value: 'FILE', help: 'state to begin with; default zeros' },
    'state-out': { type: 'string', value: 'FILE', help: 'where the state after the last step goes' },
    lengths: { type: 'string', value: 'FILE', help: '.npy with the steps of each stream, [B]' },
    threads: { ...threadsOption, help: `${threadsOption.help} (default)` },
    kernels: kernelsOption,
  },
  description:
    'IN.npy is [T, I] or [T, B, I] floats, for a model of tokens [T] or [T, B] whole numbers; OUT.npy is [T, O] or\n' +
    '[T, B, O]. State files are .safetensors with <layer>.h [B, H], and <layer>.c for an LSTM; of a\n' +
    'layer that goes backward, <layer>_reverse.h and <layer>_reverse.c.',
  examples: [
    'run model.safetensors in.npy -o out.npy',
    'run model.safetensors more.npy -o out.npy --state s.safetensors --state-out s.safetensors',
  ],
  async run(args, { terminal, signal, json }) {
    const [path, inputPath] = args.operands as [string, string];
    const out = args.required('out', '-o OUT.npy');
    const stateOut = args.text('state-out');
    const threads = args.threads() ?? 'auto';
    const kernels = args.kernels();
    if (out === stateOut) throw new UsageError('-o and --state-out are the same file');
    await checkPlaces(stateOut === undefined ? [out] : [out, stateOut]);

    const bytes = await readBytes(path, signal);
    const array = await readArray(inputPath, signal);
    const lengthsPath = args.text('lengths');
    const lengths = lengthsPath === undefined ? undefined : (await readArray(lengthsPath, signal)).data;
    const statePath = args.text('state');
    const stateBytes = statePath === undefined ? undefined : await readBytes(statePath, signal);

    const model = await about(path, () => loadModel(bytes, { threads, kernels, signal }));
    const progress = new Progress(terminal);
    try {
      const { steps, batch } = await about(inputPath, () => measureInput(array, model.spec));
      const state = stateBytes && (await about(statePath!, () => decodeState(model.spec, stateBytes, batch)));
      const start = performance.now();
      const result = await about(inputPath, () =>
        model.run(array.data, {
          steps,
          batch,
          signal,
          ...(state === undefined ? {} : { state }),
          ...(lengths === undefined ? {} : { lengths }),
          onProgress: (done, total) => progress.show('running', done, total),
        }),
      );
      const seconds = (performance.now() - start) / 1000;
      progress.end();
      const outputs = result.y.length / (steps * batch);
      const isToken = model.spec.layers[0]!.kind === 'embedding';
      const isBatched = array.shape.length === (isToken ? 2 : 3);
      const shape = isBatched ? [steps, batch, outputs] : [steps, outputs];
      const files = [{ path: out, bytes: writeNpy(shape, result.y) }];
      if (stateOut !== undefined) {
        files.push({ path: stateOut, bytes: encodeState(model.spec, result.state, batch) });
      }
      await writeBeside(files, signal);
      const { threads: used, kernels: set } = model;
      await terminal.write(
        json
          ? `${JSON.stringify({ out, shape, stateOut: stateOut ?? null, steps, batch, outputs, seconds, threads: used, kernels: set })}\n`
          : `${out} ${show(shape)}: ${plural(steps, 'step')} in ${duration(seconds)}, ` +
              `${count((steps * batch) / seconds)} a second (${plural(used, 'thread')}, ${set} kernels)\n`,
      );
    } finally {
      progress.end();
      model.dispose();
    }
  },
};

/**
 * T and B of the input.
 * @throws MismatchError naming the shape and the type that the model reads
 */
function measureInput({ shape, data }: NpyArray, spec: ModelSpec): { steps: number; batch: number } {
  const isToken = spec.layers[0]!.kind === 'embedding';
  const width = inputWidth(spec);
  const wanted = isToken ? '[T] or [T, B] whole numbers' : `[T, ${width}] or [T, B, ${width}] floats`;
  const isFloat = data instanceof Float32Array;
  if (isFloat === isToken) {
    const cure = isToken ? 'numpy.int32' : 'numpy.float32';
    throw new MismatchError(
      `the array holds ${isFloat ? 'floats' : 'whole numbers'}, the model reads ${wanted}; in Python: x.astype(${cure}).`,
    );
  }
  const outer = isToken ? shape : shape.slice(0, -1);
  const fits = (outer.length === 1 || outer.length === 2) && (isToken || shape.at(-1) === width);
  if (!fits) throw new MismatchError(`the array is ${show(shape)}, the model reads ${wanted}.`);
  if (data.length === 0) throw new MismatchError(`the array is ${show(shape)}: there is nothing in it.`);
  return { steps: outer[0]!, batch: outer[1] ?? 1 };
}
