// The smaller questions, in one process: frames, structure, strips, cells, profile, threads, start, memory. Run by main.ts; JSON on stdout.

import { type CellsResult, measureCells } from './cells.js';
import { type FramesResult, measureFrames } from './frames.js';
import { type MemoryResult, measureMemory } from './memory.js';
import { measureProfile, type StepProfile } from './profile.js';
import { measureStart, type StartResult } from './start.js';
import { measureStrips, type StripsResult } from './strips.js';
import { measureStructure, type StructureResult } from './structure.js';
import { type CrewStart, measureCrewStart, measureThreads, type ThreadsResult } from './threads.js';

export interface QuestionsReport {
  frames: FramesResult;
  structure: StructureResult[];
  /** missing in results from before there were strips */
  strips?: StripsResult[];
  /** missing in results from before there were its rows */
  cells?: CellsResult;
  profile: StepProfile[];
  threads: ThreadsResult[];
  crewStart: CrewStart;
  start: StartResult;
  /** null where the system does not tell */
  memory: MemoryResult | null;
}

const budget = Number(process.argv[2]);
const note = (what: string) => process.stderr.write(`\r${what.padEnd(40)}`);

note('frames');
const frames = await measureFrames(budget);
note('structure');
const structure = await measureStructure(budget);
note('strips');
const strips = await measureStrips(budget);
note('cells');
const cells = await measureCells(budget);
note('profile');
const profile = await measureProfile(budget);
note('threads');
const threads = await measureThreads(budget);
const crewStart = await measureCrewStart(budget);
note('start');
const start = await measureStart(budget < 200 ? 5 : 15);
note('memory');
const memory = process.platform === 'linux' ? await measureMemory() : null;
process.stderr.write('\n');
const report: QuestionsReport = {
  ...{ frames, structure, strips, cells, profile, threads, crewStart, start, memory },
};
process.stdout.write(JSON.stringify(report), () => process.exit(0));
