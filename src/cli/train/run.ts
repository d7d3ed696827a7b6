import { mkdir } from 'node:fs/promises';
import { FormatError, MismatchError } from '../../base/errors.js';
import type { Score } from '../../train/types.js';
import { checkPlaces, writeBeside } from '../beside.js';
import type { Context } from '../command.js';
import { about, FileError } from '../failure.js';
import { count, duration } from '../numbers.js';
import { tabulate } from '../table.js';
import { countModel } from '../weights.js';
import { Display } from './display.js';
import { type EpochLine, type Event, Log } from './log.js';
import { flatten, renderReport } from './report.js';
import {
  checkFixed,
  fitOptionsOf,
  fixedPart,
  rateOf,
  readCheckpoint,
  readSetup,
  type Setup,
} from './setup.js';
import { openTask, type Task } from './task.js';
import type { Training } from './training.js';

export interface TrainOptions {
  configPath: string;
  out: string | undefined;
  threads: number | 'auto' | undefined;
  resume: boolean;
  quiet: boolean;
}

/** What a training came to. */
interface Outcome {
  steps: number;
  /** of this process */
  seconds: number;
  best: EpochLine | undefined;
  test: Score | undefined;
}

/**
 * Trains what a configuration describes. Its folder has a log from the first step on, a checkpoint after every epoch and
 * when the signal fires, and at the end the model and a report.
 * @throws FileError, UsageError, MismatchError; AbortError after the checkpoint has been written
 */
export async function runTraining(
  options: TrainOptions,
  context: Context,
  training: Training,
): Promise<void> {
  const { terminal, signal, json } = context;
  const setup = await readSetup(options.configPath, options.out, signal);
  const { config, places } = setup;
  const resume = await readCheckpoint(places, options.resume);
  const rate = await about(options.configPath, () => rateOf(config.train, training));
  const task = await openTask(config, setup.folder, signal);
  await about(places.folder, () => mkdir(places.folder, { recursive: true }));
  await checkPlaces([places.model, places.checkpoint, places.log, places.report]);

  const log = await about(places.log, () => new Log(places.log, options.resume));
  if (options.resume) await about(options.configPath, () => checkFixed(config, log.events));
  const display = new Display(terminal, {
    metric: task.metric,
    unit: task.unit,
    epochSteps: task.parts.train.count,
    epochs: config.train.epochs,
    // A program that reads the lines of the log from stdout reads an error from stderr.
    isQuiet: options.quiet || (json && !terminal.isWatched),
  });
  let written = Promise.resolve();
  const record = (event: Event) => {
    log.append(event);
    // One after the other: callbacks do not wait, and a slow reader would else have one listener for each line.
    if (!json) return;
    written = written.then(() => terminal.write(`${JSON.stringify(event)}\n`));
    // Heard of at the end, where it is waited for.
    written.catch(() => {});
  };
  const facts = { config: setup.json, fixed: fixedPart(config), spec: task.spec, data: task.data };
  const begin = (event: 'start' | 'resume', step: number) =>
    record({ event, step, time: new Date().toISOString(), ...facts });
  let isBegun = !options.resume;
  /** Where a training goes on is known with the first that it reports. */
  const goOn = (done: number) => {
    if (isBegun) return;
    isBegun = true;
    log.goOn(done);
    begin('resume', done);
  };

  const threads = options.threads ?? config.train.threads ?? 'auto';
  const fitOptions = fitOptionsOf(config, task, rate, threads);
  const started = performance.now();
  let step: number | undefined;
  let isSaved = false;
  try {
    if (!options.resume) begin('start', 0);
    const result = await training.fit({
      ...fitOptions,
      signal,
      resume,
      onStep(report) {
        goOn(report.step - 1);
        step = report.step;
        const { epoch, loss, learningRate, norm, count: counted, tokensPerSecond } = report;
        const line = { step, epoch, loss, learningRate, norm, count: counted, tokensPerSecond };
        record({ event: 'step', ...line });
        display.step(line);
      },
      onEpoch({ epoch, loss, validation, seconds, isBest }) {
        // Said without a step before it when the training was stopped in its validation.
        step = (epoch + 1) * task.parts.train.count;
        goOn(step);
        const line = { step, epoch, loss, validation: validation ?? null, seconds, isBest };
        record({ event: 'epoch', ...line });
        display.epoch(line);
      },
      checkpoint: {
        async save(bytes) {
          // Not the command's signal: when it has fired is when this is needed.
          await writeBeside([{ path: places.checkpoint, bytes }], new AbortController().signal);
          isSaved = true;
        },
      },
    });
    goOn(result.steps);
    const test = await scoreTest(task, fitOptions, result.tensors, training, signal);
    const seconds = (performance.now() - started) / 1000;
    if (test !== undefined) record({ event: 'test', step: result.steps, ...test });
    record({ event: 'end', step: result.steps, time: new Date().toISOString(), seconds });
    display.end();

    const epochs = log.events.filter((event): event is Event & EpochLine => event.event === 'epoch');
    const outcome: Outcome = {
      steps: result.steps,
      seconds,
      best: epochs.findLast(({ isBest }) => isBest),
      test,
    };
    const results = describe(task, setup, outcome);
    const report = renderReport({
      title: `Training of ${options.configPath}`,
      metric: task.metric,
      events: log.events,
      results,
      configuration: flatten(setup.json),
    });
    const outputs = [
      { path: places.model, bytes: task.encode(result.tensors) },
      { path: places.report, bytes: Buffer.from(report) },
    ];
    await writeBeside(outputs, signal);
    await written;
    if (!json)
      await terminal.write(`${places.model}\n\n${tabulate([...results, ['report', places.report]])}`);
  } catch (cause) {
    display.end();
    // Nothing else that is read there has a format.
    const isBroken = cause instanceof FormatError || cause instanceof MismatchError;
    const error = options.resume && isBroken ? new FileError(places.checkpoint, cause) : cause;
    if (signal.aborted && isSaved && !json) terminal.note(hint(setup, options, step));
    throw error;
  } finally {
    log.close();
  }
}

/** The mean over the test part, if there is one, with the weights that go into the model file. */
async function scoreTest(
  { spec, parts }: Task,
  { capacity, loss, optimizer, tie, threads, kernels }: ReturnType<typeof fitOptionsOf>,
  tensors: Parameters<Task['encode']>[0],
  { createTrainer }: Training,
  signal: AbortSignal,
): Promise<Score | undefined> {
  const { test } = parts;
  if (test === undefined) return undefined;
  const options = { capacity: capacity!, loss, optimizer, tie, threads, kernels, tensors, signal };
  const trainer = await createTrainer(spec, options);
  try {
    const sum = { loss: 0, count: 0, hits: 0 };
    for (const batch of test.of(0)) {
      const score = await trainer.evaluate(batch);
      sum.loss += score.loss * score.count;
      sum.count += score.count;
      sum.hits += score.hits;
    }
    return { ...sum, loss: sum.loss / sum.count };
  } finally {
    trainer.dispose();
  }
}

/** The results as they are shown, on the terminal and in the report. */
function describe(
  { spec, metric, unit, data }: Task,
  { config }: Setup,
  outcome: Outcome,
): [string, string][] {
  const { steps, seconds, best, test } = outcome;
  const { total, recurrent, recurrentIfDense } = countModel(spec);
  const show = (score: Score) =>
    `${metric.format(metric.of(score))} ${metric.name}, ${score.loss.toFixed(4)} nats`;
  const rows: [string, string][] = [
    ['data', data],
    [
      'parameters',
      `${count(total)}, ${count(recurrent)} recurrent; fully connected: ${count(recurrentIfDense)}`,
    ],
  ];
  if (best !== undefined) {
    const { epoch, loss, validation } = best;
    rows.push(['training', `${loss.toFixed(4)} nats in epoch ${epoch + 1} of ${config.train.epochs}`]);
    if (validation !== null) rows.push(['validation', `${show(validation)}; best of all epochs`]);
  }
  if (test !== undefined) rows.push(['test', show(test)]);
  rows.push(['time', `${count(steps)} steps; ${duration(seconds)} in this process`]);
  if (config.train.normalize) {
    rows.push(['model reads', `${unit} as they are: the normalization is in its first layer`]);
  }
  return rows;
}

function hint({ configPath, places }: Setup, { out }: TrainOptions, step: number | undefined): string {
  const words = ['blockrnn', 'train', configPath, '--resume', ...(out === undefined ? [] : ['--out', out])];
  const command = words.map((word) => (/[^\w./\\:=-]/.test(word) ? JSON.stringify(word) : word)).join(' ');
  const until = step === undefined ? 'so far' : `up to step ${count(step)}`;
  return `${places.checkpoint} has the training ${until}; go on with:\n  ${command}\n`;
}
