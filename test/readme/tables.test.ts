import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kinds } from '#dist/model/kinds.js';
import { isRecurrent, type LayerSpec } from '#dist/model/spec.js';
import { drawChart } from '../../bench/chart.js';
import { benchText, fillMarks, readmeText } from '../../bench/pages.js';
import { formatMembers, type LstmResults, type QuestionsResults } from '../../bench/table.js';
import { formatTrain, formatTrainSummary, type TrainResults } from '../../bench/train/table.js';

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const lstm = JSON.parse(read('bench/results/lstm.json')) as LstmResults;
const questions = JSON.parse(read('bench/results/questions.json')) as QuestionsResults;
const train = JSON.parse(read('bench/results/train.json')) as TrainResults;

test('the tables and the chart are those of the results', () => {
  expect(fillMarks(read('README.md'), readmeText(lstm))).toBe(read('README.md'));
  expect(fillMarks(read('bench/README.md'), benchText(lstm, questions))).toBe(read('bench/README.md'));
  expect(read('bench/results/lstm.svg')).toBe(drawChart(lstm));
});

test('so is that of every member of the family', () => {
  const readme = read('README.md');
  expect(readme).toContain('<!-- cells:begin -->\n');
  expect(fillMarks(readme, formatMembers(questions), 'cells')).toBe(readme);
  const said = questions.report.cells!.rows.map(({ says }) => says).join(' ');
  const cells = Object.keys(kinds).filter((kind) => isRecurrent({ kind } as LayerSpec));
  for (const kind of cells) expect(said).toContain(`\`${kind}\``);
});

test('so are those of training', () => {
  const pages = [
    ['README.md', formatTrainSummary(train)],
    ['bench/README.md', formatTrain(train)],
  ] as const;
  for (const [name, text] of pages) {
    expect(read(name)).toContain('<!-- train:begin -->\n');
    expect(fillMarks(read(name), text, 'train')).toBe(read(name));
  }
});
