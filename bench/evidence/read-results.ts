import { readdir, readFile } from 'node:fs/promises';
import type { Result } from './results.js';
import type { Task } from './task.js';

/** Every result of the tasks' own data, in the order of tasks and names. */
export async function readResults(folder: URL, tasks: readonly Task[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const { name } of tasks) {
    const own = new URL(`${name}/`, folder);
    const files = await readdir(own).catch(() => []);
    for (const file of files.filter((each) => each.endsWith('.json')).sort())
      results.push(JSON.parse(await readFile(new URL(file, own), 'utf8')) as Result);
  }
  return results;
}
