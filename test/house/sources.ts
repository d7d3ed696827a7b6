import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export interface Source {
  /** relative to its folder, with slashes */
  path: string;
  /** without comments */
  code: string;
  /** what it imports: paths relative to the same folder, or names of packages; types are marked */
  imports: { from: string; typeOnly: boolean }[];
}

/** The TypeScript files in a folder of the repository, generated ones left out. */
export function readSources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts') && !path.includes('generated/'))
    .map((path) => {
      const code = withoutComments(readFileSync(join(root, folder, path), 'utf8'));
      return { path, code, imports: importsOf(path, code) };
    });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|\s)\/\/.*$/gm, '$1');
}

function importsOf(path: string, code: string): Source['imports'] {
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s*['"]([^'"]+)['"]/gm),
    ...code.matchAll(/^\s*import\s+()['"]([^'"]+)['"]/gm),
    ...code.matchAll(/\bimport\(\s*()['"]([^'"]+)['"]/g),
  ];
  return found.map(([, type, from]) => ({
    from: from!.startsWith('.') ? join(dirname(path), from!.replace(/\.js$/, '.ts')) : from!,
    typeOnly: Boolean(type),
  }));
}
