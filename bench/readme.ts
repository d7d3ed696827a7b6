// Writes the tables of README.md and bench/README.md, and the chart, from bench/results/*.json. A test holds them together.
import { readFile, writeFile } from 'node:fs/promises';
import { drawChart } from './chart.js';
import { benchText, fillMarks, readmeText } from './pages.js';
import { formatMembers, type LstmResults, type QuestionsResults } from './table.js';
import { formatTrain, formatTrainSummary, type TrainResults } from './train/table.js';

const root = new URL('../../', import.meta.url);
const lstm = JSON.parse(await read('bench/results/lstm.json')) as LstmResults;
const questions = JSON.parse(await read('bench/results/questions.json')) as QuestionsResults;
const train = JSON.parse(await read('bench/results/train.json')) as TrainResults;

await writeFile(new URL('bench/results/lstm.svg', root), drawChart(lstm));
await fill('README.md', readmeText(lstm));
await fill('README.md', formatMembers(questions), 'cells');
await fill('bench/README.md', benchText(lstm, questions));
await fill('README.md', formatTrainSummary(train), 'train');
await fill('bench/README.md', formatTrain(train), 'train');

function read(name: string): Promise<string> {
  return readFile(new URL(name, root), 'utf8');
}

async function fill(name: string, text: string, marks?: string): Promise<void> {
  await writeFile(new URL(name, root), fillMarks(await read(name), text, marks));
}
