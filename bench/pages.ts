import type { LstmResult } from './lstm.js';
import {
  formatOrigin,
  formatQuestions,
  formatRoof,
  formatTable,
  type LstmResults,
  type QuestionsResults,
} from './table.js';

/** What stands between the marks in README.md. */
export function readmeText(lstm: LstmResults): string {
  return `${headingOf(lstm)}\n\n${formatTable(lstm, isInSummary)}`;
}

/** What stands between the marks in bench/README.md. */
export function benchText(lstm: LstmResults, questions: QuestionsResults): string {
  const origin = formatOrigin(questions);
  return `${headingOf(lstm)}\n\n${formatTable(lstm)}\n\n${origin}\n\n${formatQuestions(questions.report)}`;
}

/** The page with its text between the marks of that name. */
export function fillMarks(page: string, text: string, name = 'bench'): string {
  const marks = new RegExp(`(<!-- ${name}:begin -->\\n)[\\s\\S]*(<!-- ${name}:end -->)`);
  return page.replace(marks, (_all, begin: string, end: string) => `${begin}${text}\n${end}`);
}

function headingOf(lstm: LstmResults): string {
  return `${formatOrigin(lstm[0]!)} ${formatRoof(lstm)}`;
}

/** The README shows one thread, dense and 8 blocks, of the sizes that people have. */
function isInSummary({ threads, blocks, hidden, steps, batch }: LstmResult): boolean {
  if (threads > 1 || (blocks !== 1 && blocks !== 8) || hidden === 128 || hidden === 2048) return false;
  return batch === 1 || steps === 100;
}
