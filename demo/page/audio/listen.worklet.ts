import type { ModelShare } from 'blockrnn/worklet';
import { openRecognizer } from '../snippets/speak.js';
import { rate } from './features.js';
import { type Recognizer, record } from './recognizer.js';
import { Resampler } from './resampler.js';

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  kind: new (options: { processorOptions: { share: ModelShare } }) => AudioWorkletProcessor,
): void;

/** frames of one message to the page: 25 messages in a second */
const together = 4;
const mostSamples = 4096;

/**
 * Hears its input, and sends records [together, record.size] of what it heard. Its output is silence: it is there
 * because a node that nothing listens to may not be asked to work.
 */
class Listener extends AudioWorkletProcessor {
  readonly #recognizer: Recognizer;
  readonly #resampler = new Resampler(sampleRate, rate);
  readonly #samples = new Float32Array(this.#resampler.outputsOf(mostSamples));
  readonly #records = new Float32Array(together * record.size);
  #filled = 0;

  constructor({ processorOptions: { share } }: { processorOptions: { share: ModelShare } }) {
    super();
    this.#recognizer = openRecognizer(share);
  }

  process([[sound]]: Float32Array[][]): boolean {
    // Without a source there are no channels; then nothing is heard and nothing is sent.
    if (sound === undefined) return true;
    const count = this.#resampler.push(sound, this.#samples);
    for (let i = 0; i < count; i++) {
      if (!this.#recognizer.take(this.#samples[i]!, this.#records, this.#filled)) continue;
      this.#filled += record.size;
      if (this.#filled < this.#records.length) continue;
      // The message is a copy that the browser makes; the array stays, so that nothing is made here.
      this.port.postMessage(this.#records);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor('listen', Listener);
