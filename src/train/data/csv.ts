import { FormatError } from '../../base/errors.js';
import { show } from '../../base/guards.js';

/** One labelled sequence. */
export interface Row {
  label: string;
  /** [T, I] */
  values: Float32Array;
}

/**
 * Reads labelled sequences: one to a line, its label first, then T·I numbers, step by step (all I of step 0, then of
 * step 1). Commas, semicolons or tabs stand between them; T may differ; empty cells at the end of a line, as spreadsheets
 * write them, and empty lines do not count. A label may stand in double quotes.
 * @param features I
 * @throws FormatError naming the line, and the column
 */
export function parseRows(text: string, features: number): Row[] {
  const rows: Row[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (line.trim() !== '') rows.push(parseRow(line, index + 1, features));
  }
  if (rows.length === 0) throw new FormatError('there is no sequence in it.');
  return rows;
}

const quoted = /^\s*"((?:[^"]|"")*)"\s*(?=[,;\t]|$)/;
const numeral = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function parseRow(line: string, number: number, features: number): Row {
  const match = quoted.exec(line);
  const label = match === null ? /^[^,;\t]*/.exec(line)![0] : match[1]!.replaceAll('""', '"');
  const rest = line.slice(match === null ? label.length : match[0].length);
  const cells = rest === '' ? [] : rest.slice(1).split(/[,;\t]/);
  while (cells.length > 0 && cells.at(-1)!.trim() === '') cells.pop();
  if (label.trim() === '') throw new FormatError(`line ${number}: the label is empty.`);
  if (cells.length === 0 || cells.length % features !== 0) {
    throw new FormatError(
      `line ${number}: there are ${cells.length} numbers behind the label; each step has ${features}, and there must be one.`,
    );
  }
  const values = Float32Array.from(cells, (cell, i) => {
    const trimmed = cell.trim();
    const value = numeral.test(trimmed) ? Math.fround(Number(trimmed)) : Number.NaN;
    if (Number.isFinite(value)) return value;
    const cure = number === 1 ? ' A line of column names must be taken away.' : '';
    throw new FormatError(
      `line ${number}, column ${i + 2}: ${show(trimmed)} is no finite f32 number.${cure}`,
    );
  });
  return { label: label.trim(), values };
}
