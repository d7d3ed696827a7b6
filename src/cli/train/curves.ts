import type { EpochLine, Event, StepLine } from './log.js';
import type { Metric } from './metric.js';

/** Lines over one axis: xs in order, and for each line a value or nothing at every x. */
export interface Curves {
  title: string;
  xLabel: string;
  xs: number[];
  lines: { label: string; values: (number | null)[] }[];
}

/** Most points of a line: more than a screen has columns. */
const mostPoints = 1500;

/** Curves of a log: the loss and the learning rate by step, the metric by epoch. */
export function curvesOf(events: readonly Event[], metric: Metric): Curves[] {
  const steps = events.filter((event): event is Event & StepLine => event.event === 'step');
  const epochs = events.filter((event): event is Event & EpochLine => event.event === 'epoch');
  const training = thin(steps.map(({ step, loss }) => [step, loss]));
  const validation = epochs.flatMap(({ step, validation: score }): Point[] =>
    score === null ? [] : [[step, score.loss]],
  );
  const curves = [
    join('Loss by step', 'step', [
      { label: 'training, nats', points: training },
      { label: 'validation, nats', points: validation },
    ]),
    join(`${capital(metric.name)} by epoch`, 'epoch', [
      {
        label: 'training',
        points: metric.isLoss
          ? epochs.map(({ epoch, loss }) => [epoch + 1, metric.of({ loss, hits: 0, count: 0 })])
          : [],
      },
      {
        label: 'validation',
        points: epochs.flatMap(({ epoch, validation: score }): Point[] =>
          score === null ? [] : [[epoch + 1, metric.of(score)]],
        ),
      },
    ]),
    join('Learning rate by step', 'step', [
      { label: 'learning rate', points: thin(steps.map(({ step, learningRate }) => [step, learningRate])) },
    ]),
  ];
  return curves.filter(({ lines }) => lines.length > 0);
}

type Point = [x: number, y: number];

/** Means of runs of points, so that there are not too many; what is not finite is left out. */
function thin(points: Point[]): Point[] {
  const finite = points.filter(([, y]) => Number.isFinite(y));
  const run = Math.ceil(finite.length / mostPoints);
  if (run <= 1) return finite;
  const thinned: Point[] = [];
  for (let i = 0; i < finite.length; i += run) {
    const part = finite.slice(i, i + run);
    thinned.push([part.at(-1)![0], part.reduce((sum, [, y]) => sum + y, 0) / part.length]);
  }
  return thinned;
}

/** Lines without a point are left out. */
function join(title: string, xLabel: string, lines: { label: string; points: Point[] }[]): Curves {
  const drawn = lines
    .map(({ label, points }) => ({ label, at: new Map(points.filter(([, y]) => Number.isFinite(y))) }))
    .filter(({ at }) => at.size > 0);
  const xs = [...new Set(drawn.flatMap(({ at }) => [...at.keys()]))].sort((a, b) => a - b);
  return {
    title,
    xLabel,
    xs,
    lines: drawn.map(({ label, at }) => ({ label, values: xs.map((x) => at.get(x) ?? null) })),
  };
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
