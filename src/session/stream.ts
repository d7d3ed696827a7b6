import { untilAborted } from '../base/abort.js';
import { ArgumentTypeError } from '../base/errors.js';
import { checkSignal, object, show } from '../base/guards.js';
import type { Input } from './input.js';

/** How a stream can be ended. */
export interface StreamOptions {
  /** ends the stream with an AbortError, while it waits for a frame too */
  signal?: AbortSignal;
}

/** Frames, one after another: x [B, I] each, or ids [B]. A ReadableStream is one too, in engines that iterate it. */
export type Frames = Iterable<Input> | AsyncIterable<Input>;

/** One step; y may be an array that the next one overwrites. */
type Step = (x: Input) => Float32Array;

/**
 * A step for each frame, when it is asked for.
 * @returns y's, each an array of its own
 */
export function streamSteps(
  step: Step,
  frames: Frames,
  options: StreamOptions,
): AsyncGenerator<Float32Array, void, undefined> {
  object(options, 'options');
  checkSignal(options.signal);
  return generateSteps(step, iteratorOf(frames), options.signal);
}

async function* generateSteps(
  step: Step,
  frames: Iterator<Input> | AsyncIterator<Input>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Float32Array, void, undefined> {
  let waits = false;
  let done = false;
  try {
    for (;;) {
      checkSignal(signal);
      waits = true;
      const next = await untilAborted(Promise.resolve(frames.next()), signal);
      waits = false;
      if (next.done) {
        done = true;
        return;
      }
      yield step(next.value).slice();
    }
  } finally {
    // Nobody waits for a source that is asked to end while it is still being waited for: it may never answer.
    if (waits) Promise.resolve(frames.return?.()).catch(() => {});
    else if (!done) await frames.return?.();
  }
}

function iteratorOf(frames: Frames): Iterator<Input> | AsyncIterator<Input> {
  if (typeof frames === 'object' && frames !== null && !ArrayBuffer.isView(frames)) {
    if (Symbol.asyncIterator in frames) return frames[Symbol.asyncIterator]();
    if (Symbol.iterator in frames) return frames[Symbol.iterator]();
  }
  throw new ArgumentTypeError(
    `frames must be an iterable or async iterable of frames, got ${show(frames)}; session.run takes many steps in one array.`,
  );
}

/** The same for web streams: frames are written to it, y's are read from it. */
export function transformSteps(step: Step): TransformStream<Input, Float32Array> {
  return new TransformStream({
    transform(x, controller) {
      controller.enqueue(step(x).slice());
    },
  });
}
