import { ArgumentTypeError, UnsupportedError } from '../base/errors.js';
import { checkSignal, integer, object, show } from '../base/guards.js';
import { bindProgram } from '../engine/engine.js';
import { type ReadModelOptions, readModel } from '../formats/read.js';
import { checkSpec, type ModelSpec } from '../model/spec.js';
import { checkTensors, type ModelFile, type Tensors } from '../model/tensors.js';
import { type PackedModel, packModel } from '../pack/place.js';
import { scheduleAuto } from '../schedule/auto.js';
import { type Hire, scheduleCrew } from '../schedule/crew.js';
import type { Schedule } from '../schedule/schedule.js';
import { scheduleSolo } from '../schedule/solo.js';
import { loadBinary } from '../wasm/binaries.js';
import { canShareMemory, chooseKernels, type KernelSet } from '../wasm/features.js';
import { instantiate } from '../wasm/instance.js';
import { Model } from './model.js';
import { Stepper } from './stepper.js';

/** What differs between runtimes. */
export interface Platform<Source> {
  /** All bytes of a source. */
  read(source: Source, signal: AbortSignal | undefined): Promise<Uint8Array>;
  /** Hires worker threads; undefined where there are none. */
  hire: Hire | undefined;
  /** how many threads the machine runs at a time */
  cores(): number;
}

export interface ModelOptions {
  /**
   * Worker threads that share a run, 1..64; 1 (default) is the calling thread alone. 'auto' measures the model's runs
   * and gives those to a crew that a crew does faster.
   */
  threads?: number | 'auto';
  /** 'simd' gives the same bytes everywhere; 'relaxed' is faster; 'auto' (default) is 'relaxed' where the engine has it */
  kernels?: 'auto' | KernelSet;
  /** aborts loading */
  signal?: AbortSignal;
}

/** For files that are not this package's own: how to read them. */
export type LoadOptions = ModelOptions & ReadModelOptions;

const mostThreads = 64;

/** The front door's two functions, for one platform. */
export function openDoor<Source>(platform: Platform<Source>): {
  loadModel: (source: Source, options?: LoadOptions) => Promise<Model>;
  createModel: (spec: ModelSpec, tensors: Tensors, options?: ModelOptions) => Promise<Model>;
} {
  return {
    async loadModel(source, options = {}) {
      checkOptions(options);
      const bytes = await readSource(platform, source, options.signal);
      return openModel(platform, readModel(bytes, options), options);
    },
    async createModel(spec, tensors, options = {}) {
      checkOptions(options);
      const checked = checkSpec(spec);
      return openModel(platform, { spec: checked, tensors: checkTensors(checked, tensors) }, options);
    },
  };
}

function checkOptions(options: ModelOptions): void {
  object(options, 'options');
  checkSignal(options.signal);
}

async function readSource<Source>(
  platform: Platform<Source>,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    return await platform.read(source, signal);
  } finally {
    // Whatever a reader makes of a signal, the caller gets one kind of error.
    checkSignal(signal);
  }
}

async function openModel<Source>(
  platform: Platform<Source>,
  { spec, tensors, vocab }: ModelFile,
  { threads: wish = 1, kernels: wished = 'auto', signal }: ModelOptions,
): Promise<Model> {
  const kernels = chooseKernels(wished);
  const threads = countThreads(platform, wish);
  const shared = threads > 1;
  const packed = packModel(spec, tensors, threads, shared);
  const module = await loadBinary(shared ? `${kernels}-shared` : kernels);
  const { arena, program } = packed;
  const own = await instantiate(module, arena.memory);
  const stepper = new Stepper(arena, program, bindProgram(own, program, program.step, 0, 1));
  const solo = scheduleSolo(bindProgram(own, program, program.run, 0, 1));
  const schedule = threads === 1 ? solo : await openCrew(platform.hire!, module, packed, solo, threads, wish);
  const model = new Model({ spec, vocab, kernels, packed, stepper, schedule });
  if (signal?.aborted) {
    model.dispose();
    checkSignal(signal);
  }
  return model;
}

async function openCrew(
  hire: Hire,
  module: WebAssembly.Module,
  { program, arena }: PackedModel,
  solo: Schedule,
  threads: number,
  wish: number | 'auto',
): Promise<Schedule> {
  const crew = scheduleCrew(hire, module, program, arena, threads);
  if (wish === 'auto') return scheduleAuto(solo, crew);
  await crew.hire();
  return crew;
}

/** A number of threads for what was asked. */
function countThreads<Source>(platform: Platform<Source>, wish: unknown): number {
  const possible = platform.hire !== undefined && canShareMemory();
  if (wish === 'auto') return possible ? Math.min(mostThreads, platform.cores()) : 1;
  if (typeof wish !== 'number') {
    throw new ArgumentTypeError(`threads must be a number or 'auto', got ${show(wish)}.`);
  }
  const threads = integer(wish, 'threads', 1, mostThreads);
  if (threads > 1 && !possible) {
    throw new UnsupportedError(
      "this runtime cannot share memory with threads here: use threads: 1, or 'auto', which then means 1.",
      'threads',
    );
  }
  return threads;
}
