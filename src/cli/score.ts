import { openByteModel } from './byte-model.js';
import { type Command, kernelsOption, threadsOption, vocabOption } from './command.js';
import { about } from './failure.js';
import { readBytes } from './files.js';
import { count, duration, plural } from './numbers.js';
import { Progress } from './progress.js';
import { scoreIds } from './scoring.js';
import { UsageError } from './usage-error.js';
import { encodeBytes } from './vocabulary.js';

/** `blockrnn score`: how well a byte-level model predicts a text. */
export const score: Command = {
  name: 'score',
  summary: 'bits per byte of a byte-level model on a text',
  operands: [{ name: 'MODEL' }],
  options: {
    text: { type: 'string', value: 'FILE', help: 'the text (needed)' },
    from: { type: 'string', value: 'N', help: 'first byte of it; default 0' },
    to: { type: 'string', value: 'M', help: 'the byte after the last; default its length' },
    streams: { type: 'string', value: 'N', help: 'equal parts that run side by side; default 1' },
    threads: { ...threadsOption, help: `${threadsOption.help} (default)` },
    kernels: kernelsOption,
    vocab: vocabOption,
  },
  description:
    'Cuts bytes [from, to) into equal contiguous parts, one a stream, and drops the remainder. Every part starts\n' +
    'from a zero state, and of its P bytes the last P - 1 are predicted. Less is better; 8 is knowing nothing.',
  examples: ['score model.safetensors --text input.txt --streams 8 --from 1059624'],
  async run(args, { terminal, signal, json }) {
    const path = args.operands[0]!;
    const textPath = args.required('text');
    const streams = args.integer('streams', 1, 2 ** 20) ?? 1;
    const threads = args.threads() ?? 'auto';
    const kernels = args.kernels();
    const givenFrom = args.integer('from', 0);
    const givenTo = args.integer('to', 0);
    const text = await readBytes(textPath, signal);
    const from = givenFrom ?? 0;
    const to = givenTo ?? text.length;
    if (from > text.length)
      throw new UsageError(`--from ${from} is beyond the ${text.length} bytes of ${textPath}`);
    if (to > text.length)
      throw new UsageError(`--to ${to} is beyond the ${text.length} bytes of ${textPath}`);
    if (from > to) throw new UsageError(`--from ${from} is after --to ${to}`);
    const part = Math.floor((to - from) / streams);
    if (part < 2) {
      throw new UsageError(
        `${plural(to - from, 'byte')} for ${plural(streams, 'stream')} leave nothing to predict; each needs 2`,
      );
    }

    const byteModel = await openByteModel(path, args.text('vocab'), { threads, kernels, signal });
    const { model } = byteModel;
    const progress = new Progress(terminal);
    try {
      const end = from + part * streams;
      const ids = await about(textPath, () => encodeBytes(text, byteModel.idOf, 'the text', from, end));
      const start = performance.now();
      const { bitsPerByte, tokens } = await scoreIds(byteModel, ids, streams, signal, (done, total) =>
        progress.show('scoring', done, total),
      );
      const seconds = (performance.now() - start) / 1000;
      progress.end();
      const tokensPerSecond = tokens / seconds;
      const { threads: used, kernels: set } = model;
      if (json) {
        const result = {
          bitsPerByte,
          tokens,
          tokensPerSecond,
          seconds,
          from,
          to,
          streams,
          threads: used,
          kernels: set,
        };
        await terminal.write(`${JSON.stringify(result)}\n`);
        return;
      }
      await terminal.write(
        `${bitsPerByte.toFixed(4)} bits per byte\n` +
          `${count(tokens)} bytes predicted in ${duration(seconds)}, ${count(tokensPerSecond)} a second\n` +
          `${plural(streams, 'stream')}, ${plural(used, 'thread')}, ${set} kernels\n`,
      );
    } finally {
      progress.end();
      model.dispose();
    }
  },
};
