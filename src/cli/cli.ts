import { readFileSync } from 'node:fs';
import { show } from '../base/guards.js';
import { bench } from './bench.js';
import type { Command } from './command.js';
import { convert } from './convert.js';
import { errorObject, messageOf } from './failure.js';
import { generate } from './generate.js';
import { commandHelp, programHelp } from './help.js';
import { info } from './info.js';
import { run } from './run.js';
import { score } from './score.js';
import { parseCommandLine } from './syntax.js';
import type { Terminal } from './terminal.js';
import { train } from './train.js';
import { UsageError } from './usage-error.js';

const commands: readonly Command[] = [info, run, score, generate, convert, train, bench];

/** Exit codes: all went well; something went wrong; the command line is wrong. */
const success = 0;
const failure = 1;
const misuse = 2;

/**
 * The whole program.
 * @param argv what was typed after the program's name
 * @param signal aborts what is under way, with the name of the process signal as its reason
 * @returns the exit code
 */
export async function runCli(
  argv: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<number> {
  const options = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const json = options.includes('--json');
  try {
    return await dispatch(argv, terminal, signal, json);
  } catch (error) {
    if (signal.aborted) {
      if (!json) terminal.note('\nblockrnn: interrupted\n');
      else terminal.note(`${JSON.stringify({ error: { code: 'ERR_ABORTED', message: 'interrupted' } })}\n`);
      return signal.reason === 'SIGTERM' ? 143 : 130;
    }
    const text = json ? JSON.stringify(errorObject(error)) : `blockrnn: ${messageOf(error)}`;
    terminal.note(`${text}\n`);
    return error instanceof UsageError ? misuse : failure;
  }
}

async function dispatch(
  argv: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
  json: boolean,
): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined) {
    terminal.note(programHelp(commands));
    return misuse;
  }
  if (name === '--version' || name === '-v') {
    await terminal.write(`${readVersion()}\n`);
    return success;
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest[0] === undefined)) {
    await terminal.write(programHelp(commands));
    return success;
  }
  if (name === 'help') {
    await terminal.write(commandHelp(findCommand(rest[0]!)));
    return success;
  }
  const command = findCommand(name);
  try {
    const args = parseCommandLine(command, rest);
    if (args.flag('help')) await terminal.write(commandHelp(command));
    else await command.run(args, { terminal, signal, json });
  } catch (error) {
    if (error instanceof UsageError) error.command ??= command.name;
    throw error;
  }
  return success;
}

function findCommand(name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  if (name.startsWith('-')) throw new UsageError(`unknown option ${name}`);
  const known = commands.map((command) => command.name).join(', ');
  throw new UsageError(`unknown command ${show(name)}; there are ${known}`);
}

function readVersion(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
