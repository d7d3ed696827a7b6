import type { Model } from 'blockrnn';
import { bands, hopSize, LogMel } from '../audio/features.js';
import { phases, record } from '../audio/recognizer.js';
import { find, messageOf } from '../dom.js';
import { addSheet } from '../sheet.js';
import { openListener } from '../snippets/speak.js';
import { Timeline } from '../timeline.js';

/** For tests: modules of a built page are joined, and this is how they come to the worklet. */
export { openListener };

const source = './models/digits-block8.safetensors';
const mostBytes = 30e6;
/** seconds of silence after a recording, in which its last word ends */
const tail = 0.5;
/** digits that are kept on the page */
const mostHeard = 24;

const stage = `
  <div class="speak">
    <div class="speak-now">
      <output class="speak-digit" aria-hidden="true">·</output>
      <p class="speak-heard" role="log" aria-label="Digits heard"></p>
    </div>
    <canvas class="speak-time" role="img" aria-label="How likely each digit is, over the last three seconds, and the sound"></canvas>
    <div class="speak-controls">
      <button type="button" class="speak-toggle" aria-pressed="false">Use the microphone</button>
      <label class="speak-file">
        <input type="file" accept="audio/*,.wav,.mp3,.ogg,.flac,.m4a" />
        <span>Choose a recording</span>
      </label>
    </div>
    <div class="speak-samples" role="group" aria-label="Recorded digits">
      <span>Recorded ones, of voices that it has heard saying other things:</span>
    </div>
    <p class="note speak-note" role="status">
      Digits in English, one at a time, with a pause after each. Recordings of your own can be dropped here. Nothing
      that you say leaves this page.
    </p>
    <p class="note speak-cost"></p>
  </div>`;

/** Fills the panel "Speak". The microphone, and the audio thread, begin when they are asked for. */
export async function open(section: HTMLElement): Promise<void> {
  await addSheet('./panels/speak.css');
  const within = find('.stage', HTMLElement, section);
  within.insertAdjacentHTML('beforeend', stage);
  const ear = new Ear(new Display(within));
  const toggle = find('.speak-toggle', HTMLButtonElement, within);
  const file = find('.speak-file input', HTMLInputElement, within);
  const note = find('.speak-note', HTMLElement, within);

  const attempt = async (text: string, act: () => Promise<void>) => {
    try {
      note.textContent = text;
      await act();
    } catch (error) {
      ear.stop();
      note.textContent = explain(error);
    }
  };
  ear.onChange = (isListening, text) => {
    toggle.setAttribute('aria-pressed', String(isListening));
    toggle.textContent = isListening ? 'Stop' : 'Use the microphone';
    if (text !== undefined) note.textContent = text;
  };
  const play = (recording: File | undefined) => {
    if (recording !== undefined)
      void attempt(`Reading ${recording.name}…`, () => ear.playRecording(recording));
  };
  const samples = find('.speak-samples', HTMLElement, within);
  for (let digit = 0; digit < 10; digit++) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = String(digit);
    button.addEventListener('click', () => {
      void attempt(`Reading ${digit}…`, async () => ear.playRecording(await fetchSample(digit)));
    });
    samples.append(button);
  }
  toggle.addEventListener('click', () => {
    if (ear.isListening) ear.stop('Not listening.');
    else void attempt('Asking for the microphone…', () => ear.openMicrophone());
  });
  file.addEventListener('change', () => {
    play(file.files?.[0]);
    // The same file can be chosen again.
    file.value = '';
  });
  within.addEventListener('dragover', (event) => event.preventDefault());
  within.addEventListener('drop', (event) => {
    event.preventDefault();
    play(event.dataTransfer?.files[0]);
  });
}

/** One of the recordings that come with the page. */
async function fetchSample(digit: number): Promise<File> {
  const response = await fetch(`./samples/${digit}.wav`);
  if (!response.ok) throw new Error(`the server does not give ${digit}.wav (${response.status}).`);
  return new File([await response.blob()], `a recorded ${digit}`);
}

/** Shows what was heard. */
class Display {
  readonly #timeline: Timeline;
  readonly #digit: HTMLElement;
  readonly #heard: HTMLElement;
  readonly #cost: HTMLElement;

  constructor(within: HTMLElement) {
    this.#timeline = new Timeline(find('.speak-time', HTMLCanvasElement, within));
    this.#digit = find('.speak-digit', HTMLElement, within);
    this.#heard = find('.speak-heard', HTMLElement, within);
    this.#cost = find('.speak-cost', HTMLElement, within);
  }

  /** @param records [n, record.size] */
  show(records: Float32Array): void {
    this.#timeline.push(records);
    for (let at = 0; at < records.length; at += record.size) {
      const digit = records[at + record.digit]!;
      const phase = records[at + record.phase]!;
      if (digit < 0) continue;
      this.#digit.textContent = String(digit);
      this.#digit.classList.toggle('certain', phase === phases.end);
      if (phase === phases.end) this.#write(digit);
    }
  }

  /** @param isShared whether the audio thread reads the weights in a memory that it shares with the page */
  showCost(model: Model, isShared: boolean): void {
    const { sound, step } = measure(model);
    const layer = model.spec.layers.find((layer) => 'hiddenSize' in layer);
    const kind = layer && `${layer.hiddenSize} units in ${'blocks' in layer ? layer.blocks : 1} blocks`;
    const load = ((sound + step) / 1e4) * 100;
    this.#cost.textContent =
      `A frame is 10 ms of sound and takes ${(sound + step).toFixed(0)}\u00a0µs here: ${step.toFixed(1)} for a step of ` +
      `the network (${kind}), ${sound.toFixed(1)} for the spectrum that it reads; ${load.toFixed(1)}\u00a0% of one core. ` +
      `The audio thread has its weights ${isShared ? 'in shared memory' : 'as a copy: this page may not share memory'}.`;
  }

  #write(digit: number): void {
    const item = document.createElement('span');
    item.textContent = `${digit} `;
    this.#heard.append(item);
    while (this.#heard.childElementCount > mostHeard) this.#heard.firstElementChild?.remove();
  }
}

/** The audio graph: a microphone or a recording → the worklet. */
class Ear {
  /** @param text what there is to say; nothing when undefined */
  onChange: (isListening: boolean, text?: string) => void = () => {};
  readonly #display: Display;
  #opened: Promise<{ context: AudioContext; node: AudioWorkletNode }> | undefined;
  /** ends what is heard now */
  #end: (() => void) | undefined;

  constructor(display: Display) {
    this.#display = display;
  }

  get isListening(): boolean {
    return this.#end !== undefined;
  }

  async openMicrophone(): Promise<void> {
    this.stop();
    if (navigator.mediaDevices === undefined)
      throw new Error('This browser gives the microphone to pages of https: and of this computer only.');
    const { context, node } = await this.#start();
    // The sound as it is, like the recordings that the network has learnt from. Not taken: what browsers do for calls;
    // of 24 recordings played to a microphone 22 were right without it, 21 with the noise suppressed and the gain held.
    const audio = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    const microphone = context.createMediaStreamSource(stream);
    microphone.connect(node);
    this.#hold(context, 'Listening: say a digit.', () => {
      microphone.disconnect();
      for (const track of stream.getTracks()) track.stop();
    });
  }

  async playRecording(file: File): Promise<void> {
    this.stop();
    if (file.size > mostBytes)
      throw new Error(`${file.name} is larger than ${mostBytes / 1e6} MB; choose a shorter one.`);
    const { context, node } = await this.#start();
    const sound = await context.decodeAudioData(await file.arrayBuffer()).catch((cause: unknown) => {
      throw new Error(`This browser finds no sound in ${file.name}.`, { cause });
    });
    const player = context.createBufferSource();
    player.buffer = lengthen(context, sound);
    player.connect(node);
    player.connect(context.destination);
    player.onended = () => this.stop(`That was ${file.name}.`);
    player.start();
    this.#hold(context, `Playing ${file.name}.`, () => {
      player.onended = null;
      player.stop();
      player.disconnect();
    });
  }

  /** @param text what there is to say about it */
  stop(text?: string): void {
    const end = this.#end;
    this.#end = undefined;
    end?.();
    this.onChange(false, text);
  }

  #hold(context: AudioContext, text: string, end: () => void): void {
    // Another one may have begun while this one was waiting; its end lets the context rest.
    this.stop();
    void context.resume();
    this.#end = () => {
      end();
      void context.suspend();
    };
    this.onChange(true, text);
  }

  async #start(): Promise<{ context: AudioContext; node: AudioWorkletNode }> {
    this.#opened ??= this.#open().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    const opened = await this.#opened;
    await opened.context.resume();
    return opened;
  }

  async #open(): Promise<{ context: AudioContext; node: AudioWorkletNode }> {
    // Its rate is the device's: not every browser connects a microphone to a context of another rate.
    const context = new AudioContext();
    if (context.audioWorklet === undefined)
      throw new Error('This browser has audio worklets for pages of https: and of this computer only.');
    const { node, model, share } = await openListener(context, source, (records) =>
      this.#display.show(records),
    );
    node.onprocessorerror = () => this.stop('The audio thread has failed.');
    node.connect(context.destination);
    this.#display.showCost(model, share.memory !== undefined);
    model.dispose();
    return { context, node };
  }
}

/** One channel of it, and silence after it. */
function lengthen(context: AudioContext, sound: AudioBuffer): AudioBuffer {
  const { numberOfChannels, sampleRate } = sound;
  const length = sound.length + Math.ceil(tail * sampleRate);
  const longer = context.createBuffer(numberOfChannels, length, sampleRate);
  for (let channel = 0; channel < numberOfChannels; channel++)
    longer.copyToChannel(sound.getChannelData(channel), channel);
  return longer;
}

/**
 * Microseconds of a frame's two halves, the best of some tries, in the page's own thread: an audio thread has no clock
 * that is fine enough.
 */
function measure(model: Model): { sound: number; step: number } {
  const frames = 200;
  const noise = Float32Array.from({ length: hopSize * frames }, (_, i) => Math.sin(i * i) / 4);
  const mel = new LogMel();
  const frame = new Float32Array(bands);
  const session = model.session();
  const y = session.step(frame).slice();
  const time = (act: () => void) => {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 6; attempt++) {
      const start = performance.now();
      act();
      best = Math.min(best, ((performance.now() - start) * 1000) / frames);
    }
    return best;
  };
  return {
    sound: time(() => {
      for (let i = 0; i < noise.length; i++) mel.take(noise[i]!, frame);
    }),
    step: time(() => {
      for (let i = 0; i < frames; i++) session.step(frame, y);
    }),
  };
}

function explain(error: unknown): string {
  if (error instanceof DOMException && error.name === 'NotAllowedError')
    return 'The microphone was not allowed. A recording works too: choose one, or drop it here.';
  if (error instanceof DOMException && error.name === 'NotFoundError')
    return 'There is no microphone. A recording works too: choose one, or drop it here.';
  return `This did not work: ${messageOf(error)}`;
}
