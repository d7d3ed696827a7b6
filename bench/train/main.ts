// npm run bench:train: measures, prints, and writes bench/results/train.json. See usage.
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { describeOrigin } from '../origin.js';
import { keep, measure } from '../report.js';
import type { TrainReport } from './speed.js';
import { formatTrain, type TrainResults } from './table.js';
import type { TfjsReport } from './tfjs.js';

const usage = `npm run bench:train [-- word | byte | byte 512 …] [-- options]
  --threads 1,2   numbers of threads (default 1,2)
  --tfjs          TensorFlow.js instead, where it is installed: minutes for one row
  --quick         a fifth of the time, for a first look; writes no results
  --json          prints the results as JSON instead of a table
$PYTHON is the Python that has PyTorch, by default python3.
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1,2' },
    tfjs: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const budget = values.quick ? 600 : 3000;
const origin = describeOrigin();
const old = await readOld();
const reports: TrainResults['reports'] = [];
for (const threads of values.tfjs ? [] : values.threads.split(',').map(Number)) {
  const script = 'train/speed.js';
  reports.push({ ...origin, ...(await measure<TrainReport>(script, threads, budget, ...positionals)) });
}
const tfjs = values.tfjs ? { ...origin, ...(await measure<TfjsReport>('train/tfjs.js')) } : old?.tfjs;
// One model alone is for a look, too: its results would push out the others'.
const isWhole = !values.quick && positionals.length === 0;
const results: TrainResults = {
  reports: isWhole ? withOthers(reports) : reports,
  ...(tfjs === undefined ? {} : { tfjs }),
};
process.stdout.write(`${values.json ? JSON.stringify(results) : formatTrain(results)}\n`);
if (isWhole) await keep('train.json', results);

/** Together with what was measured before with other numbers of threads. */
function withOthers(fresh: TrainResults['reports']): TrainResults['reports'] {
  const others = (old?.reports ?? []).filter(
    ({ threads }) => !fresh.some((report) => report.threads === threads),
  );
  return [...others, ...fresh].sort((a, b) => a.threads - b.threads);
}

async function readOld(): Promise<TrainResults | undefined> {
  try {
    const url = new URL('../../../bench/results/train.json', import.meta.url);
    return JSON.parse(await readFile(url, 'utf8')) as TrainResults;
  } catch {
    return undefined;
  }
}
