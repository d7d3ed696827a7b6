import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path/posix';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** A fenced block of a page. Behind its language may stand the name of the file that it is: ```html page.html */
export interface Block {
  language: string;
  file: string | undefined;
  text: string;
  /** of the fence */
  line: number;
}

export interface Page {
  /** in the repository */
  path: string;
  /** README, pytorch, … */
  name: string;
  text: string;
  blocks: Block[];
}

/** README.md and the guides; pages that a program makes have no snippets. */
export const pages: Page[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'EVIDENCE.md')
    .sort()
    .map((name) => `docs/${name}`),
].map(readPage);

export function readPage(path: string): Page {
  const text = readFileSync(join(root, path), 'utf8');
  const blocks = [...text.matchAll(/^```([^\s`]*)(?:[ ]+(\S+))?[ ]*\n([\s\S]*?)^```/gm)].map((match) => {
    const [, language, file, inside] = match;
    return {
      language: language!,
      file,
      text: inside!,
      line: text.slice(0, match.index).split('\n').length,
    };
  });
  return { path, name: basename(path, '.md'), text, blocks };
}

/** The page without its blocks: what is prose. */
export function proseOf({ text }: Page): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}
