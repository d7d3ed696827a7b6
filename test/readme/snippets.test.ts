import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const readme = readFileSync(`${root}README.md`, 'utf8');
const execute = promisify(execFile);

function blocks(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm'))].map(
    ([, text]) => text!,
  );
}

describe('README', () => {
  // Training does not overwrite what it made another time.
  beforeAll(() => rmSync(`${root}build/sonnets`, { recursive: true, force: true }));

  it.each(blocks('sh').join('').trim().split('\n'))('%s', async (line) => {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare!);
    expect(words.slice(0, 2)).toEqual(['npx', 'blockrnn']);
    const { stdout } = await execute(process.execPath, ['lib/cli/main.js', ...words.slice(2)], {
      cwd: root,
    });
    expect(stdout).not.toBe('');
  });

  // The package refers to itself by name from any folder of its own.
  it.each(blocks('js').map((text, i) => [i, text] as const))(
    'snippet %i runs as it stands',
    async (i, text) => {
      mkdirSync(`${root}build/snippets`, { recursive: true });
      const file = `${root}build/snippets/${i}.mjs`;
      writeFileSync(file, text);
      const { stdout } = await execute(process.execPath, [file], { cwd: root });
      expect(stdout).not.toBe('');
      expect(stdout).not.toContain('false');
    },
  );

  it('shows the configuration that it trains with', () => {
    expect(blocks('json').map((text) => JSON.parse(text) as unknown)).toContainEqual(
      JSON.parse(readFileSync(`${root}demo/train.json`, 'utf8')),
    );
  });

  it('has snippets of both kinds', () => {
    expect(blocks('js').length).toBeGreaterThan(1);
    expect(blocks('sh').length).toBeGreaterThan(0);
  });
});
