import { loadModel } from 'blockrnn';
import { Matrix } from './matrix.js';
import { drawIds, measureRuns, measureSteps } from './measure.js';
import { Paper } from './paper.js';
import { Writer } from './writer.js';

const source = './models/shakespeare-block8.safetensors';
/** Characters a second at which one can read along. */
const pace = 45;
/** Milliseconds of a frame that writing may take at full speed. */
const share = 8;

const element = (id) => document.getElementById(id);
const paper = new Paper(element('text'));
const note = element('note');
const stillness = matchMedia('(prefers-reduced-motion: reduce)');

try {
  await open();
} catch (error) {
  note.textContent = `This did not work: ${error.message}`;
}

async function open() {
  const model = await loadModel(source, {
    onProgress(loaded, total) {
      if (total !== undefined)
        note.textContent = `Loading the model… ${Math.floor((100 * loaded) / total)} %`;
    },
  });
  const { hiddenSize, blocks } = model.spec.layers.find((layer) => layer.hiddenSize !== undefined);
  const matrix = new Matrix(element('matrix'), blocks);
  const gates = 4;
  const few = (gates * hiddenSize * hiddenSize) / blocks;
  element('structure').textContent =
    `${hiddenSize} units in ${blocks} blocks of ${hiddenSize / blocks}: ${count(few)} recurrent weights, where a ` +
    `dense matrix has ${count(few * blocks)}. Each square is a block, lit by its state.`;

  perform(new Writer(model), matrix);
  await measure(model);
}

/** Writes, a few characters for each frame, until it is told to pause. */
function perform(writer, matrix) {
  let isPaused = false;
  let isFast = false;
  let owed = 0;
  let last = performance.now();
  const temperature = () => Number(element('temperature').value);
  const begin = () => {
    paper.clear();
    paper.write(writer.begin(element('prompt').value));
  };

  const frame = (now) => {
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

  element('temperature').addEventListener('input', () => {
    element('warmth').textContent = temperature().toFixed(1);
  });
  element('pause').addEventListener('click', ({ target }) => {
    isPaused = !isPaused;
    target.textContent = isPaused ? 'Go on' : 'Pause';
  });
  element('speed').addEventListener('click', ({ target }) => {
    isFast = !isFast;
    target.setAttribute('aria-pressed', String(isFast));
  });
  element('controls').addEventListener('submit', (event) => {
    event.preventDefault();
    begin();
  });
  for (const button of document.querySelectorAll('button')) button.disabled = false;
  begin();
  matrix.show(writer.state());
  requestAnimationFrame(frame);
}

async function measure(model) {
  note.textContent = 'Measuring on this machine…';
  const ids = drawIds(model.vocab.length);
  const found = {};
  const show = (row, microseconds) => {
    found[row] = microseconds;
    const most = Math.max(...Object.values(found));
    for (const [name, value] of Object.entries(found)) {
      const line = document.querySelector(`[data-row="${name}"]`);
      line.querySelector('dd').textContent = value.toFixed(value < 100 ? 1 : 0);
      line.style.setProperty('--share', value / most);
    }
  };
  show('step', await measureSteps(model, ids));
  const solo = await measureRuns(model, ids);
  show('solo', solo.microseconds);

  const threads = Math.min(8, navigator.hardwareConcurrency);
  const dt = document.querySelector('[data-row="crew"] dt');
  if (!globalThis.crossOriginIsolated || threads < 2) {
    dt.parentElement.remove();
    note.textContent = globalThis.crossOriginIsolated
      ? 'This machine runs one thread at a time.'
      : 'One thread only: without cross-origin isolation a page has no shared memory.';
    return;
  }
  dt.textContent = `a whole run, ${threads} threads`;
  const crew = await loadModel(source, { threads });
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
function count(value) {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}
