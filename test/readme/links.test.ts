import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { expect, test } from 'vitest';
import { root } from './pages.js';

const paths = [
  'README.md',
  'CHANGELOG.md',
  'bench/README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .map((path) => `docs/${path.replaceAll('\\', '/')}`)
    .filter((path) => path.endsWith('.md')),
];

/** The pages' text without what is code. */
const textOf = (path: string) =>
  readFileSync(join(root, path), 'utf8')
    .replace(/^```[\s\S]*?^```/gm, '')
    .replace(/`[^`\n]*`/g, (code) => '`'.repeat(code.length));

/** Of its headings, as GitHub makes them: a name that stands there twice gets a number. */
function anchorsOf(path: string): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  const text = readFileSync(join(root, path), 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  for (const [, title] of text.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const plain = title!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, '');
    const anchor = plain
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-');
    const times = seen.get(anchor) ?? 0;
    seen.set(anchor, times + 1);
    anchors.add(times === 0 ? anchor : `${anchor}-${times}`);
  }
  return anchors;
}

function problemsOf(path: string): string[] {
  const text = textOf(path);
  const links = [
    ...[...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!),
    ...[...text.matchAll(/\b(?:src|srcset|href)="([^"]+)"/g)].map(([, link]) => link!),
  ];
  return links.filter((link) => !/^(?:https?:|mailto:)/.test(link) && !isThere(path, link));
}

function isThere(path: string, link: string): boolean {
  const [file = '', anchor] = link.split('#');
  const target = file === '' ? path : normalize(join(dirname(path), file));
  if (target.startsWith('..') || !existsSync(join(root, target))) return false;
  if (anchor === undefined) return true;
  return statSync(join(root, target)).isFile() && anchorsOf(target).has(anchor);
}

/** Its page and pictures are made of results, which come one after the other: npm run evidence:page. */
const isMade = existsSync(join(root, 'docs/EVIDENCE.md'));

test.each(paths)('the links of %s lead somewhere', (path) => {
  const problems = problemsOf(path).filter((link) => isMade || !link.includes('EVIDENCE.md'));
  expect(problems).toEqual([]);
});

test('the index has every page', () => {
  const index = readFileSync(join(root, 'docs/README.md'), 'utf8');
  const guides = paths.filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== 'docs/README.md');
  expect(guides.filter((path) => !index.includes(`](${path.slice('docs/'.length)})`))).toEqual([]);
});

test('a link that leads nowhere is found', () => {
  expect(isThere('README.md', 'docs/nothing.md')).toBe(false);
  expect(isThere('README.md', '#nothing')).toBe(false);
  expect(isThere('docs/README.md', '../README.md#shapes')).toBe(true);
});
