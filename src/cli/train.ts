import type { ScheduleSpec } from '../train/schedules.js';
import { type Command, type Context, threadsOption } from './command.js';
import type { Training } from './train/training.js';

/** `blockrnn train`: a configuration → a model. */
export const train: Command = trainWith(async () => {
  const { fit, createTrainer, scheduleOf } = await import('../train-node.js');
  return { fit, createTrainer, scheduleOf: (json) => scheduleOf(json as unknown as ScheduleSpec) };
});

/** The command over a training floor, which is loaded when it is needed: no other command waits for it. */
export function trainWith(load: () => Promise<Training>): Command {
  return {
    name: 'train',
    summary: 'train a model on text or labelled sequences',
    operands: [{ name: 'CONFIG.json' }],
    options: {
      resume: { type: 'boolean', help: 'go on with the checkpoint in the folder of results' },
      out: {
        type: 'string',
        value: 'DIR',
        help: 'folder of results; default: out in CONFIG, or runs/CONFIG',
      },
      threads: { ...threadsOption, help: `${threadsOption.help} (default)` },
      quiet: { type: 'boolean', help: 'say nothing until the end' },
    },
    description:
      'Writes log.jsonl, checkpoint.safetensors after every epoch and on Ctrl-C, and at the end model.safetensors\n' +
      '(the best epoch) and report.html. --json prints the lines of the log. Paths in CONFIG are relative to it:\n\n' +
      '  task   { kind: bytes, text: FILE, folder of .txt files or { train, valid, test }, split: [0.9, 0.05, 0.05] }\n' +
      '         { kind: words, train, valid, test }\n' +
      '         { kind: sequences, file: CSV or { train, valid, test }, features: I, labels, split }\n' +
      '         CSV: a line for each sequence, its label, then T·I numbers\n' +
      '  model  { cell: lstm | gru | elman, hidden, layers, blocks: N | diagonal, embedding, tie } or { spec }\n' +
      '  train  { epochs, batch, steps, learningRate or schedule: { kind, ... }, optimizer: { kind: sgd | adam |\n' +
      '         adamw, ... }, clip, dropout, seed, init: { forgetBias, embeddingRange }, threads, kernels,\n' +
      '         pool: last | mean, normalize } (the last two for sequences)',
    examples: ['train config.json', 'train config.json --resume'],
    async run(args, context: Context) {
      const options = {
        configPath: args.operands[0]!,
        out: args.text('out'),
        threads: args.threads(),
        resume: args.flag('resume'),
        quiet: args.flag('quiet'),
      };
      // The plotting library, and all else that only a training needs.
      const { runTraining } = await import('./train/run.js');
      await runTraining(options, context, await load());
    },
  };
}
