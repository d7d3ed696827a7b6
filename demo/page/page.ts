import { type LoadOptions, loadModel, type Model } from 'blockrnn';
import { Matrix } from './matrix.js';
import { drawIds, measureRuns, measureSteps } from './measure.js';
import { Paper } from './paper.js';
import { type ByteModel, Writer } from './writer.js';

type Row = 'step' | 'solo' | 'crew';

const source = './models/shakespeare-block8.safetensors';
/** Characters a second at which one can read along. */
const pace = 45;
/** Milliseconds of a frame that writing may take at full speed. */
const share = 8;

const paper = new Paper(find('#text', HTMLElement));
const note = find('#note', HTMLElement);
const stillness = matchMedia('(prefers-reduced-motion: reduce)');

try {
  await open();
} catch (error) {
  note.textContent = `This did not work: ${error instanceof Error ? error.message : String(error)}`;
}

async function open(): Promise<void> {
  const model = await load({
    onProgress(loaded, total) {
      if (total !== undefined)
        note.textContent = `Loading the model… ${Math.floor((100 * loaded) / total)} %`;
    },
  });
  const layer = model.spec.layers.find((layer) => 'hiddenSize' in layer);
  if (layer === undefined) throw new Error('The model has no recurrent layer.');
  const { hiddenSize, blocks = 1 } = layer;
  const matrix = new Matrix(find('#matrix', HTMLCanvasElement), blocks);
  const gates = 4;
  const few = (gates * hiddenSize * hiddenSize) / blocks;
  find('#structure', HTMLElement).textContent =
    `${hiddenSize} units in ${blocks} blocks of ${hiddenSize / blocks}: ${count(few)} recurrent weights, where a ` +
    `dense matrix has ${count(few * blocks)}. Each square is a block, lit by its state.`;

  perform(new Writer(model), matrix);
  await measure(model);
}

async function load(options: LoadOptions): Promise<ByteModel> {
  const model = await loadModel(source, options);
  if (!isByteModel(model)) throw new Error('The model has no vocabulary.');
  return model;
}

function isByteModel(model: Model): model is ByteModel {
  return model.vocab !== undefined;
}

/** Writes, a few characters for each frame, until it is told to pause. */
function perform(writer: Writer, matrix: Matrix): void {
  const prompt = find('#prompt', HTMLInputElement);
  const warmth = find('#warmth', HTMLElement);
  const range = find('#temperature', HTMLInputElement);
  const pause = find('#pause', HTMLButtonElement);
  const speed = find('#speed', HTMLButtonElement);
  let isPaused = false;
  let isFast = false;
  let owed = 0;
  let last = performance.now();
  const temperature = () => Number(range.value);
  const begin = () => {
    paper.clear();
    paper.write(writer.begin(prompt.value));
  };

  const frame = (now: number) => {
    requestAnimationFrame(frame);
    const passed = Math.min(100, now - last);
    last = now;
    if (isPaused) return;
    let text = '';
    if (isFast) {
      const start = performance.now();
      while (performance.now() - start < share)
        for (let i = 0; i < 8; i++) text += writer.write(temperature());
    } else {
      owed += (passed / 1000) * pace;
      for (; owed >= 1; owed--) text += writer.write(temperature());
    }
    if (text !== '') paper.write(text);
    if (!stillness.matches) matrix.show(writer.state());
  };

  range.addEventListener('input', () => {
    warmth.textContent = temperature().toFixed(1);
  });
  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? 'Go on' : 'Pause';
  });
  speed.addEventListener('click', () => {
    isFast = !isFast;
    speed.setAttribute('aria-pressed', String(isFast));
  });
  find('#controls', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    begin();
  });
  for (const button of document.querySelectorAll('button')) button.disabled = false;
  begin();
  matrix.show(writer.state());
  requestAnimationFrame(frame);
}

async function measure(model: ByteModel): Promise<void> {
  note.textContent = 'Measuring on this machine…';
  const ids = drawIds(model.vocab.length);
  const found = new Map<Row, number>();
  const show = (row: Row, microseconds: number) => {
    found.set(row, microseconds);
    const most = Math.max(...found.values());
    for (const [name, value] of found) {
      const line = findRow(name);
      find('dd', HTMLElement, line).textContent = value.toFixed(value < 100 ? 1 : 0);
      line.style.setProperty('--share', String(value / most));
    }
  };
  show('step', await measureSteps(model, ids));
  const solo = await measureRuns(model, ids);
  show('solo', solo.microseconds);

  const threads = Math.min(8, navigator.hardwareConcurrency);
  if (!globalThis.crossOriginIsolated || threads < 2) {
    findRow('crew').remove();
    note.textContent = globalThis.crossOriginIsolated
      ? 'This machine runs one thread at a time.'
      : 'One thread only: without cross-origin isolation a page has no shared memory.';
    return;
  }
  find('dt', HTMLElement, findRow('crew')).textContent = `a whole run, ${threads} threads`;
  const crew = await load({ threads });
  const many = await measureRuns(crew, ids);
  crew.dispose();
  show('crew', many.microseconds);
  const isSame = solo.y.every((value, i) => Object.is(value, many.y[i]));
  if (!isSame) throw new Error('Threads have changed the result.');
  note.textContent =
    `${model.kernels === 'relaxed' ? 'Fused' : 'Plain'} SIMD kernels, runs of ${count(ids.length)} steps, best of ` +
    `several. ${threads} threads gave the same bytes as one.`;
}

/** A whole number with thin spaces between its thousands. */
function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

function findRow(name: Row): HTMLElement {
  return find(`[data-row="${name}"]`, HTMLElement);
}

/**
 * The first element that a selector names.
 * @throws Error when there is none, or it is of another kind
 */
function find<T extends Element>(selector: string, kind: new () => T, within: ParentNode = document): T {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector} that is an ${kind.name}.`);
  return found;
}
