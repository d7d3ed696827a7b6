import type { Command } from './command.js';
import { optionsOf } from './syntax.js';
import { tabulate } from './table.js';

/** What `blockrnn --help` shows. */
export function programHelp(commands: readonly Command[]): string {
  return [
    'Usage: blockrnn COMMAND ...\n\n',
    'Block-diagonal, diagonal and dense recurrent networks on WebAssembly SIMD.\n\n',
    tabulate(commands.map(({ name, summary }) => [name, summary])),
    '\n',
    tabulate([
      ['blockrnn COMMAND --help', 'what a command takes'],
      ['blockrnn --version', 'which version this is'],
    ]),
    '\nThe exit code is 0 when all went well, 1 when not, and 2 for a wrong command line.\n',
  ].join('');
}

/** What `blockrnn COMMAND --help` shows. */
export function commandHelp(command: Command): string {
  const { name, operands, description, examples } = command;
  const words = operands.map((operand) => (operand.optional ? `[${operand.name}]` : operand.name));
  const options = Object.entries(optionsOf(command)).map(([option, { short, value, help }]) => [
    `${short === undefined ? '    ' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`,
    help,
  ]);
  return [
    `Usage: blockrnn ${[name, ...words].join(' ')} [options]\n\n`,
    `${description}\n\n`,
    tabulate(options),
    `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n`,
    ...examples.map((example) => `  blockrnn ${example}\n`),
  ].join('');
}
