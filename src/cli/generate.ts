import { seededRandom } from '../base/random.js';
import { type ByteModel, openByteModel } from './byte-model.js';
import { type Command, kernelsOption, threadsOption, vocabOption } from './command.js';
import { about } from './failure.js';
import { count, duration, plural } from './numbers.js';
import { Progress } from './progress.js';
import { tabulate } from './table.js';
import { UsageError } from './usage-error.js';
import { encodeBytes } from './vocabulary.js';
import { countModel, nameBlocks } from './weights.js';
import { type Written, writeText } from './writing.js';

const mostChars = 2 ** 30;

/** `blockrnn generate`: a byte-level model writes on. */
export const generate: Command = {
  name: 'generate',
  summary: 'let a byte-level model write on from a prompt',
  operands: [{ name: 'MODEL' }, { name: 'PROMPT', optional: true }],
  options: {
    prompt: { type: 'string', value: 'TEXT', help: 'the same as PROMPT' },
    chars: { type: 'string', value: 'N', help: 'bytes to write; default 500' },
    temperature: { type: 'string', value: 'X', help: '0 always takes the likeliest; default 0.8' },
    seed: { type: 'string', value: 'N', help: 'same seed, same text; default: another one each time' },
    threads: { ...threadsOption, help: 'threads that read the prompt; steps are taken by one. Default 1' },
    kernels: kernelsOption,
    vocab: vocabOption,
  },
  description:
    'The prompt and the text go to stdout as they come; how fast it was goes to stderr. With --json, `text` is\n' +
    'what was written after the prompt.',
  examples: ['generate model.safetensors "JULIET:" --chars 300 --seed 7'],
  async run(args, { terminal, signal, json }) {
    const path = args.operands[0]!;
    const given = args.operands[1] ?? args.text('prompt');
    if (args.operands[1] !== undefined && args.text('prompt') !== undefined) {
      throw new UsageError('PROMPT and --prompt are the same; give one of them');
    }
    if (given === '') throw new UsageError('the prompt is empty; it needs a character to begin with');
    const chars = args.integer('chars', 1, mostChars) ?? 500;
    const temperature = args.number('temperature', 0) ?? 0.8;
    const seed = args.integer('seed', Number.MIN_SAFE_INTEGER) ?? Math.floor(Math.random() * 1e6);
    const threads = args.threads() ?? 1;
    const kernels = args.kernels();

    const byteModel = await openByteModel(path, args.text('vocab'), { threads, kernels, signal });
    const { model, vocab, idOf } = byteModel;
    const progress = new Progress(terminal);
    try {
      const prompt = given === undefined ? defaultPrompt(vocab) : new TextEncoder().encode(given);
      const ids = encodeBytes(prompt, idOf, 'the prompt');
      const text = json ? new Uint8Array(chars) : undefined;
      if (text === undefined) await terminal.write(terminal.hasStyle ? bold(prompt) : prompt);
      let at = 0;
      const written = await about(path, () =>
        writeText(byteModel, ids, chars, temperature, seededRandom(seed), signal, async (bytes) => {
          if (text === undefined) await terminal.write(bytes);
          else {
            text.set(bytes, at);
            at += bytes.length;
            progress.show('writing', at, chars);
          }
        }),
      );
      if (text === undefined) {
        if (written.last !== 0x0a) await terminal.write('\n');
        terminal.note(`\n${report(byteModel, written, chars, seed)}`);
        return;
      }
      progress.end();
      const { recurrent, recurrentIfDense } = countModel(model.spec);
      const result = {
        text: new TextDecoder().decode(text),
        prompt: new TextDecoder().decode(prompt),
        seed,
        temperature,
        chars,
        seconds: written.seconds,
        charsPerSecond: chars / written.seconds,
        millisecondsPerStep: written.stepSeconds === undefined ? null : written.stepSeconds * 1000,
        recurrentWeights: recurrent,
        recurrentWeightsIfDense: recurrentIfDense,
        threads: model.threads,
        kernels: model.kernels,
      };
      await terminal.write(`${JSON.stringify(result)}\n`);
    } finally {
      progress.end();
      model.dispose();
    }
  },
};

function report({ model }: ByteModel, written: Written, chars: number, seed: number): string {
  const { recurrent, recurrentIfDense } = countModel(model.spec);
  const weights =
    recurrent < recurrentIfDense
      ? `${count(recurrent)} recurrent weights in ${nameBlocks(model.spec)}; fully connected: ${count(recurrentIfDense)}`
      : `${count(recurrent)} recurrent weights, fully connected`;
  const step = written.stepSeconds === undefined ? '' : `, ${duration(written.stepSeconds)} a step (median)`;
  return tabulate([
    ['speed', `${count(chars / written.seconds)} characters a second${step}`],
    ['model', weights],
    ['with', `${plural(model.threads, 'thread')}, ${model.kernels} kernels, --seed ${seed}`],
  ]);
}

/** A speaker of Shakespeare's where the vocabulary has the letters, else a new line, else its first byte. */
function defaultPrompt(vocab: readonly number[]): Uint8Array {
  const romeo = new TextEncoder().encode('ROMEO:');
  if (romeo.every((byte) => vocab.includes(byte))) return romeo;
  return Uint8Array.of(vocab.includes(0x0a) ? 0x0a : vocab[0]!);
}

function bold(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('\u001b[1m'), bytes, Buffer.from('\u001b[22m')]);
}
