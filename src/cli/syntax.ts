import { parseArgs } from 'node:util';
import { show } from '../base/guards.js';
import { Arguments } from './arguments.js';
import { UsageError } from './usage-error.js';

/** One option, as parseArgs takes it and as --help shows it. */
export interface Option {
  type: 'string' | 'boolean';
  short?: string;
  /** what stands for the value in --help */
  value?: string;
  help: string;
}

/** What a command takes: the arguments in their order, and the options by name. */
export interface Syntax {
  name: string;
  /** in capitals, the optional ones last */
  operands: readonly { name: string; optional?: boolean }[];
  options: Readonly<Record<string, Option>>;
}

const shared: Record<string, Option> = {
  json: { type: 'boolean', help: 'print the result, or the error, as one JSON object' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
};

/** Every option of a command with the ones that all commands have. */
export function optionsOf(syntax: Syntax): Record<string, Option> {
  return { ...syntax.options, ...shared };
}

/**
 * Reads a command's arguments.
 * @throws UsageError
 */
export function parseCommandLine(syntax: Syntax, argv: readonly string[]): Arguments {
  const options = optionsOf(syntax);
  const { values, positionals } = parse(joinNegatives(argv, options), options);
  if (values.help !== true) {
    const missing = syntax.operands.find(({ optional }, i) => !optional && positionals[i] === undefined);
    if (missing !== undefined) throw new UsageError(`${missing.name} is missing`);
    const extra = positionals[syntax.operands.length];
    if (extra !== undefined) throw new UsageError(`${show(extra)} is one argument too many`);
  }
  return new Arguments(values, positionals);
}

function parse(
  args: string[],
  options: Record<string, Option>,
): { values: Record<string, string | boolean | undefined>; positionals: string[] } {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { type, short }]) => [
      name,
      short === undefined ? { type } : { type, short },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({
      args,
      options: config,
      allowPositionals: true,
      strict: true,
    });
    return { values: values as Record<string, string | boolean | undefined>, positionals };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error;
    throw new UsageError(reword(message));
  }
}

/** Node's messages are for programmers, and some have several lines. */
function reword(message: string): string {
  const unknown = /^Unknown option '([^']*)'/.exec(message);
  if (unknown !== null) return `unknown option ${unknown[1]}`;
  const option = /^Option '(?:-\w, )?(--[\w-]+)/.exec(message)?.[1];
  if (option === undefined) return message.split('\n')[0]!;
  if (message.includes('does not take an argument')) return `${option} takes no value`;
  if (message.includes('ambiguous'))
    return `${option} needs a value; one that begins with - goes as ${option}=-x`;
  return `${option} needs a value`;
}

/** So that `--temperature -1` is a value, which is then found to be wrong, and not an unknown option -1. */
function joinNegatives(argv: readonly string[], options: Record<string, Option>): string[] {
  const joined: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word === '--') return [...joined, ...argv.slice(i)];
    const next = argv[i + 1];
    const takesValue = word.startsWith('--') && options[word.slice(2)]?.type === 'string';
    if (takesValue && next !== undefined && /^-[\d.]/.test(next)) {
      joined.push(`${word}=${next}`);
      i++;
    } else {
      joined.push(word);
    }
  }
  return joined;
}
