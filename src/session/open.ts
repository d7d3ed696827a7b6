import { untilAborted } from '../base/abort.js';
import { ArgumentTypeError, FormatError } from '../base/errors.js';
import { checkSignal, object, show } from '../base/guards.js';
import { type BindStage, bindProgram } from '../engine/engine.js';
import { bindStack } from '../engine/stack.js';
import { type OpenedModel, openModelFile } from '../formats/open.js';
import type { ReadModelOptions } from '../formats/read.js';
import { type ByteSource, sourceOf } from '../formats/source.js';
import { checkSpec } from '../model/check.js';
import { isStack, needsFamily } from '../model/plain.js';
import type { ModelSpec } from '../model/spec.js';
import { checkTensors, readerOf, type Tensors } from '../model/tensors.js';
import { type PackedModel, type Packer, packModel } from '../pack/place.js';
import type { Frame } from '../pack/program.js';
import { stack } from '../pack/stack.js';
import { scheduleAuto } from '../schedule/auto.js';
import { type Hire, scheduleCrew } from '../schedule/crew.js';
import type { Schedule } from '../schedule/schedule.js';
import { scheduleSolo } from '../schedule/solo.js';
import { type CrewWorker, hireWebWorkers } from '../schedule/web-workers.js';
import { type BinaryName, chooseKernels, type KernelSet } from '../wasm/features.js';
import { checkWasmOptions, explainLink, findBinary, type WasmOptions } from '../wasm/given.js';
import { findInstantiate } from '../wasm/instance.js';
import { Model } from './model.js';
import { Stepper } from './stepper.js';
import { countThreads } from './threads.js';

/** Called as a model arrives, with the bytes so far and, where it is known, how many there are. */
export type LoadProgress = (loadedBytes: number, totalBytes: number | undefined) => void;

/** How to read a source. */
export interface ReadOptions {
  signal?: AbortSignal | undefined;
  onProgress?: LoadProgress | undefined;
}

/** What differs between runtimes. */
export interface Platform<Source> {
  /** All bytes of a source. */
  read(source: Source | string | URL, options: ReadOptions): Promise<Uint8Array>;
  /** A source that can be read piece by piece; undefined for those that come as a whole. */
  open?(source: Source): Promise<ByteSource> | undefined;
  /** The address of a source that comes from a server, for messages. */
  addressOf(source: Source): string | undefined;
  /** Hires worker threads; undefined where there are none. */
  hire: Hire | undefined;
  /** how many threads the machine runs at a time */
  cores(): number;
}

/** How a model runs. All of it can be left out. */
export interface ModelOptions extends WasmOptions {
  /**
   * Worker threads that share a run, 1..64; 1 (default) is the calling thread alone. 'auto' measures the model's runs
   * and gives those to a crew that a crew does faster. A page that is not cross-origin isolated has one thread,
   * whatever is asked, and says so on the console.
   */
  threads?: number | 'auto';
  /** 'simd' gives the same bytes everywhere; 'relaxed' is faster; 'auto' (default) is 'relaxed' where the engine has it */
  kernels?: 'auto' | KernelSet;
  /** gives a new module worker that runs blockrnn/worker, where a bundler or a policy asks for another way to make one */
  createWorker?: () => CrewWorker;
  /** aborts loading */
  signal?: AbortSignal;
}

/** How a model runs and, for files that are not this package's own, how to read them. */
export interface LoadOptions extends ModelOptions, ReadModelOptions {
  /** called as the model arrives; the last time with all of its bytes */
  onProgress?: LoadProgress;
}

/** The front door's two functions, for one platform. */
export function openDoor<Source>(platform: Platform<Source>): {
  loadModel: (source: Source, options?: LoadOptions) => Promise<Model>;
  createModel: (spec: ModelSpec, tensors: Tensors, options?: ModelOptions) => Promise<Model>;
} {
  return {
    async loadModel(source, options = {}) {
      checkOptions(options);
      checkFunction(options.onProgress, 'onProgress');
      // Compiled by another thread of the engine while this one reads.
      const machine = findMachine(platform, options);
      machine.prepare(false);
      const bytes = await openSource(platform, source, options);
      try {
        const file = await naming(platform.addressOf(source), () => openModelFile(bytes, options));
        return await openModel(machine, file, options);
      } finally {
        await bytes.close();
      }
    },
    async createModel(spec, tensors, options = {}) {
      checkOptions(options);
      const machine = findMachine(platform, options);
      const checked = checkSpec(spec);
      machine.prepare(needsFamily(checked));
      const read = readerOf(checkTensors(checked, tensors));
      return openModel(machine, { spec: checked, vocab: undefined, read }, options);
    },
  };
}

function checkOptions(options: ModelOptions): void {
  object(options, 'options');
  checkSignal(options.signal);
  checkFunction(options.createWorker, 'createWorker');
  checkWasmOptions(options);
}

function checkFunction(value: unknown, what: string): void {
  if (value !== undefined && typeof value !== 'function')
    throw new ArgumentTypeError(`${what} must be a function, got ${show(value)}.`);
}

async function openSource<Source>(
  platform: Platform<Source>,
  source: Source,
  { signal, onProgress }: LoadOptions,
): Promise<ByteSource> {
  let isComplete = false;
  const report: LoadProgress = (loaded, total) => {
    if (signal?.aborted) return;
    isComplete = loaded === total;
    onProgress?.(loaded, total);
  };
  try {
    const opened = await platform.open?.(source);
    if (opened !== undefined) {
      report(opened.size, opened.size);
      return opened;
    }
    const reading = platform.read(source, { signal, onProgress: onProgress && report });
    const bytes = await untilAborted(reading, signal);
    if (!isComplete) report(bytes.length, bytes.length);
    return sourceOf(bytes);
  } finally {
    // Whatever a reader makes of a signal, the caller gets one kind of error.
    checkSignal(signal);
  }
}

/** Says in an error about a file which address the file came from. */
async function naming<T>(address: string | undefined, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (address === undefined || !(error instanceof FormatError)) throw error;
    const { offset, tensor } = error;
    throw new FormatError(`${address}: ${error.message}`, {
      ...(offset === undefined ? {} : { offset }),
      ...(tensor === undefined ? {} : { tensor }),
      cause: error,
    });
  }
}

/** What a model will run on. */
interface Machine {
  kernels: KernelSet;
  hire: Hire | undefined;
  threads: number;
  /** Begins to compile the binary that the calling thread will run, or one of the family. */
  prepare(family: boolean): Compiling;
  /** the compiled binary for a memory of one kind */
  find(family: boolean, shared: boolean): Promise<WebAssembly.Module>;
}

interface Compiling {
  name: BinaryName;
  module: Promise<WebAssembly.Module>;
}

/** @throws TypeError, RangeError, UnsupportedError; what goes wrong with a binary itself is said by its `module` */
function findMachine<Source>(platform: Platform<Source>, options: ModelOptions): Machine {
  const { threads: wish = 1, kernels: wished = 'auto', createWorker } = options;
  const kernels = chooseKernels(wished);
  const hire = createWorker === undefined ? platform.hire : hireWebWorkers(createWorker);
  const threads = countThreads(wish, hire !== undefined, platform.cores);
  const nameOf = (family: boolean, shared: boolean): BinaryName =>
    `${family ? 'family-' : ''}${kernels}${shared ? '-shared' : ''}`;
  const find = (family: boolean, shared: boolean) =>
    findBinary(nameOf(family, shared), options, (url) => platform.read(url, {}));
  const begun = new Map<boolean, Promise<WebAssembly.Module>>();
  const prepare = (family: boolean) => {
    let module = begun.get(family);
    if (module === undefined) {
      module = find(family, threads > 1);
      // The model may turn out to be broken, or to need the other one, before anybody asks.
      module.catch(() => {});
      begun.set(family, module);
    }
    return { name: nameOf(family, threads > 1), module };
  };
  return { kernels, hire, threads, prepare, find };
}

/** How models of one sort come to run. */
interface Making {
  packer: Packer;
  bindStage: BindStage;
}

/** A plain stack needs little, which is here; what any model needs comes with the first one that is none. */
async function makingOf(spec: ModelSpec): Promise<Making> {
  return isStack(spec) ? { packer: stack, bindStage: bindStack } : import('./graph.js');
}

async function openModel(
  { kernels, hire, threads, prepare, find }: Machine,
  { spec, vocab, read }: OpenedModel,
  options: ModelOptions,
): Promise<Model> {
  const { threads: wish = 1, signal } = options;
  const shared = threads > 1;
  const family = needsFamily(spec);
  const { name, module: compiling } = prepare(family);
  const [module, { packer, bindStage }] = await untilAborted(
    Promise.all([compiling, makingOf(spec)]),
    signal,
  );
  const instantiate = await untilAborted(findInstantiate(module), signal);
  const open = (memory: WebAssembly.Memory) => {
    try {
      return instantiate(module, memory);
    } catch (error) {
      throw explainLink(error, name, options);
    }
  };
  const packed = await packModel(spec, read, threads, shared, open, packer);
  const { arena, program, kernels: own } = packed;
  const bind = (frame: Frame) => bindProgram(own, arena.memory, program, frame, 0, 1, bindStage);
  const stepper = new Stepper(arena, program, bind(program.step));
  const solo = scheduleSolo(bind(program.run));
  const schedule = shared ? await openCrew(hire!, module, packed, solo, threads, wish, signal) : solo;
  const model = new Model({
    spec,
    vocab,
    kernels,
    packed,
    stepper,
    schedule,
    findBinary: (other) => find(family, other),
  });
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
  signal: AbortSignal | undefined,
): Promise<Schedule> {
  const crew = scheduleCrew(hire, module, program, arena, threads);
  if (wish === 'auto') return scheduleAuto(solo, crew);
  try {
    await untilAborted(crew.hire(), signal);
  } catch (error) {
    crew.dispose(error as Error);
    throw error;
  }
  return crew;
}
