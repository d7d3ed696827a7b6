import { count, duration, measure } from '../numbers.js';
import { Progress } from '../progress.js';
import type { Terminal } from '../terminal.js';
import type { EpochLine, StepLine } from './log.js';
import type { Metric } from './metric.js';

/** Milliseconds between two lines about steps where nobody watches a bar. */
const pause = 30_000;
/** A step's share of the loss and the speed that are shown: means of the last 50 or so. */
const weight = 0.02;

export interface DisplayOptions {
  metric: Metric;
  /** what is predicted, in the plural */
  unit: string;
  /** steps of an epoch */
  epochSteps: number;
  epochs: number;
  isQuiet: boolean;
}

/** How the training goes, on stderr: a bar where somebody watches, and a line for every epoch. */
export class Display {
  readonly #terminal: Terminal;
  readonly #options: DisplayOptions;
  readonly #progress: Progress;
  /** when the first step of this process was reported, and which it was */
  #first: { time: number; step: number } | undefined;
  #loss: number | undefined;
  #speed: number | undefined;
  #last = performance.now();

  constructor(terminal: Terminal, options: DisplayOptions) {
    this.#terminal = terminal;
    this.#options = options;
    this.#progress = new Progress(terminal);
  }

  step(line: StepLine): void {
    if (this.#options.isQuiet) return;
    const now = performance.now();
    this.#first ??= { time: now, step: line.step };
    this.#loss = blend(this.#loss, line.loss);
    this.#speed = blend(this.#speed, line.tokensPerSecond);
    if (this.#terminal.isWatched) this.#progress.line(() => this.#bar(line, now));
    else if (now - this.#last >= pause) {
      this.#last = now;
      this.#terminal.note(`step ${count(line.step)}  ${this.#state(line, now)}\n`);
    }
  }

  epoch(line: EpochLine): void {
    const { metric, epochs, isQuiet } = this.#options;
    if (isQuiet) return;
    this.#progress.end();
    this.#last = performance.now();
    const { validation } = line;
    const parts = [`epoch ${line.epoch + 1}/${epochs}`, `loss ${line.loss.toFixed(4)}`];
    if (validation !== null) {
      const best = line.isBest ? ', best so far' : '';
      const value = `${metric.format(metric.of(validation))} ${metric.name}`;
      parts.push(`validation ${validation.loss.toFixed(4)} (${value}${best})`);
    } else if (metric.isLoss) {
      parts.push(`${metric.format(metric.of({ loss: line.loss, hits: 0, count: 0 }))} ${metric.name}`);
    }
    this.#terminal.note(`${[...parts, duration(line.seconds)].join('  ')}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    this.#progress.end();
  }

  #bar(line: StepLine, now: number): string {
    const { epochs, epochSteps } = this.#options;
    const done = (line.step - 1) % epochSteps;
    const share = (done + 1) / epochSteps;
    const filled = Math.floor(8 * share);
    const bar = '█'.repeat(filled) + '░'.repeat(8 - filled);
    return `${line.epoch + 1}/${epochs} ${bar} ${Math.floor(100 * share)} %  ${this.#state(line, now)}`;
  }

  #state(line: StepLine, now: number): string {
    const { metric, unit } = this.#options;
    const loss = this.#loss!;
    const parts = [`loss ${loss.toFixed(3)}`];
    if (metric.isLoss) {
      parts[0] += ` (${metric.format(metric.of({ loss, hits: 0, count: 0 }))} ${metric.short})`;
    }
    parts.push(`${compact(this.#speed!)} ${unit}/s`);
    const left = this.#secondsLeft(line, now);
    if (left !== undefined) parts.push(`${remaining(left)} left`);
    // Last, because a narrow terminal has no room for it.
    parts.push(`lr ${Number(line.learningRate.toPrecision(3))}`);
    return parts.join('  ');
  }

  /** By the pace of this process's steps, validation among them. */
  #secondsLeft({ step }: StepLine, now: number): number | undefined {
    const { epochs, epochSteps } = this.#options;
    const first = this.#first!;
    if (step === first.step) return undefined;
    return ((now - first.time) / 1000 / (step - first.step)) * Math.max(0, epochs * epochSteps - step);
  }
}

function blend(mean: number | undefined, value: number): number {
  return mean === undefined ? value : mean + weight * (value - mean);
}

/** 45678 → 45.7k */
function compact(value: number): string {
  if (value >= 1e6) return `${measure(value / 1e6)}M`;
  return value >= 1e4 ? `${measure(value / 1e3)}k` : count(value);
}

/** 3725 → 1 h 2 min; 65 → 1 min 5 s */
export function remaining(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
