import { count, find, microseconds, short, stillness, watch } from '../dom.js';
import { StatePicture } from '../matrix.js';
import { Paper } from '../paper.js';
import { scoreText } from '../score.js';
import { openWriter, type Writer } from '../snippets/write.js';
import { takeMedian } from '../timing.js';

/** Characters a second at which one can read along. */
const pace = 45;
/** Milliseconds of a frame that all writing may take at full speed. */
const share = 10;
/** Pixels of a picture of the state. */
const pictureSize = 96;
/** Steps of a sample when a step is timed. */
const timedSteps = 64;

const html = `
  <form class="controls">
    <label class="dial prompt">
      <span>You begin</span>
      <input id="prompt" type="text" value="ROMEO:" maxlength="200" autocomplete="off" autocapitalize="off"
        spellcheck="false" enterkeyhint="go" />
    </label>
    <label class="dial temperature">
      <span>Temperature <output id="warmth">0.8</output></span>
      <input id="temperature" type="range" min="0" max="1.4" step="0.1" value="0.8" />
      <span class="ends"><small>sure</small><small>wild</small></span>
    </label>
    <div class="buttons">
      <button id="pause" type="button">Pause</button>
      <button id="full" type="button" aria-pressed="false">Full speed</button>
      <button type="submit">Once more</button>
    </div>
  </form>
  <div class="columns"></div>
  <p id="write-note" class="note" role="status">Loading the models…</p>`;

const columnHtml = `
  <h3></h3>
  <div class="text" role="log" aria-live="off" tabindex="0"></div>
  <div class="facts">
    <canvas role="img" aria-label="The state of every unit, block by block"></canvas>
    <dl class="figures">
      <div><dt>µs a byte, here</dt><dd data-fact="speed">·</dd></div>
      <div><dt>recurrent weights</dt><dd data-fact="recurrent"></dd></div>
      <div><dt>weights in all</dt><dd data-fact="total"></dd></div>
      <div><dt>bits a character</dt><dd data-fact="bits">·</dd></div>
      <div><dt>written</dt><dd data-fact="written">0</dd></div>
    </dl>
  </div>`;

/** One model and its place on the page. */
interface Column {
  writer: Writer;
  paper: Paper;
  picture: StatePicture;
  written: number;
  set(fact: string, text: string): void;
}

export async function open(section: HTMLElement): Promise<void> {
  const stage = find('.stage', HTMLElement, section);
  stage.innerHTML = html;
  const note = find('#write-note', HTMLElement, stage);
  try {
    const files = await findModels();
    const columns: Column[] = [];
    for (const file of files) columns.push(await addColumn(stage, file));
    perform(stage, columns);
    note.textContent = 'Measuring on this machine…';
    for (const column of columns) column.set('speed', microseconds(await timeSteps(column.writer)));
    const text = await (await fetch('./models/sonnets.txt')).text();
    for (const column of columns) column.set('bits', (await scoreText(column.writer, text)).toFixed(2));
    note.textContent =
      `Steps one by one, on one thread; medians. Bits a character are those of two sonnets, ` +
      `${count(text.length)} characters, as this page has just counted them: fewer is better.`;
  } catch (error) {
    note.textContent = '';
    throw error;
  }
}

/** Blocks first; a dense network of the same task beside it where the server has one. */
async function findModels(): Promise<string[]> {
  const response = await fetch('./models/files.json');
  if (!response.ok) throw new Error(`the server does not say which models it has (${response.status}).`);
  const files = (await response.json()) as string[];
  const wanted = ['shakespeare-block8.safetensors', 'shakespeare-dense.safetensors'];
  return wanted.filter((file) => files.includes(file));
}

async function addColumn(stage: HTMLElement, file: string): Promise<Column> {
  const columns = find('.columns', HTMLElement, stage);
  const article = document.createElement('article');
  article.className = 'column';
  article.dataset.model = file.replace('.safetensors', '');
  article.innerHTML = columnHtml;
  const writer = await openWriter(`./models/${file}`);
  const { model } = writer;
  const layer = model.spec.layers.find((layer) => 'hiddenSize' in layer);
  if (layer === undefined) throw new Error(`${file} has no recurrent layer.`);
  const { hiddenSize } = layer;
  const blocks = 'blocks' in layer ? layer.blocks : 1;
  const title = blocks === 1 ? 'Dense' : blocks === hiddenSize ? 'Diagonal' : `${blocks} blocks`;
  find('h3', HTMLElement, article).textContent = title;
  const text = find('.text', HTMLElement, article);
  text.setAttribute('aria-label', `What the network writes: ${title}`);
  columns.append(article);
  const picture = new StatePicture(find('canvas', HTMLCanvasElement, article), pictureSize, blocks);
  const set = (fact: string, value: string) => {
    find(`[data-fact="${fact}"]`, HTMLElement, article).textContent = value;
  };
  const { recurrent, total } = countWeights(model.spec.layers);
  set('recurrent', short(recurrent));
  set('total', short(total));
  return { writer, paper: new Paper(text), picture, written: 0, set };
}

/** Writes, a few characters for each frame, until it is told to pause. */
function perform(stage: HTMLElement, columns: readonly Column[]): void {
  const prompt = find('#prompt', HTMLInputElement, stage);
  const warmth = find('#warmth', HTMLElement, stage);
  const range = find('#temperature', HTMLInputElement, stage);
  const pause = find('#pause', HTMLButtonElement, stage);
  const full = find('#full', HTMLButtonElement, stage);
  let isPaused = false;
  let isFast = false;
  let isSeen = true;
  let owed = 0;
  let last = performance.now();
  const temperature = () => Number(range.value);
  const begin = () => {
    owed = 0;
    for (const column of columns) {
      column.paper.clear();
      column.paper.write(read(column.writer, prompt.value));
      column.picture.show(stateOf(column.writer));
      column.written = 0;
      column.set('written', '0');
    }
  };
  const writeFor = ({ writer }: Column, ms: number) => {
    let text = '';
    const start = performance.now();
    while (performance.now() - start < ms) for (let i = 0; i < 8; i++) text += writer.write(temperature());
    return text;
  };
  const writeSome = ({ writer }: Column, characters: number) => {
    let text = '';
    for (let i = 0; i < characters; i++) text += writer.write(temperature());
    return text;
  };

  const frame = (now: number) => {
    requestAnimationFrame(frame);
    const passed = Math.min(100, now - last);
    last = now;
    if (isPaused || !isSeen) return;
    owed += (passed / 1000) * pace;
    const due = Math.floor(owed);
    owed -= due;
    for (const column of columns) {
      const text = isFast ? writeFor(column, share / columns.length) : writeSome(column, due);
      if (text === '') continue;
      column.paper.write(text);
      column.written += text.length;
      column.set('written', count(column.written));
      if (!stillness.matches) column.picture.show(stateOf(column.writer));
    }
  };

  range.addEventListener('input', () => {
    warmth.textContent = temperature().toFixed(1);
  });
  pause.addEventListener('click', () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? 'Go on' : 'Pause';
  });
  full.addEventListener('click', () => {
    isFast = !isFast;
    full.setAttribute('aria-pressed', String(isFast));
  });
  prompt.addEventListener('input', begin);
  find('form', HTMLFormElement, stage).addEventListener('submit', (event) => {
    event.preventDefault();
    begin();
  });
  watch(stage, (seen) => {
    isSeen = seen;
  });
  begin();
  requestAnimationFrame(frame);
}

/** Forgets everything and reads a prompt; returns what of it the model has letters for. */
function read({ session, ids, read }: Writer, prompt: string): string {
  session.reset();
  const known = [...new TextEncoder().encode(prompt)].filter((byte) => ids.has(byte));
  // A model that has read nothing has said nothing yet: it begins with a new line.
  const bytes = known.length > 0 ? known : [10];
  for (const byte of bytes) read(byte);
  return String.fromCharCode(...bytes);
}

/** h of every unit of the first recurrent layer. */
function stateOf({ session }: Writer): Float32Array {
  return session.snapshot()[0]!.h;
}

/** Microseconds of a step, in a session of its own. */
function timeSteps({ model, ids }: Writer): Promise<number> {
  const session = model.session();
  const frames = [...ids.values()].map((id) => Int32Array.of(id));
  return takeMedian(async () => {
    // Lets the page draw, and does not count.
    await new Promise((resolve) => setTimeout(resolve, 4));
    const start = performance.now();
    for (let t = 0; t < timedSteps; t++) session.step(frames[t % frames.length]!);
    return ((performance.now() - start) * 1000) / timedSteps;
  });
}

function countWeights(layers: Writer['model']['spec']['layers']): { recurrent: number; total: number } {
  let recurrent = 0;
  let total = 0;
  let width = 0;
  for (const layer of layers) {
    if (layer.kind === 'embedding') {
      total += layer.count * layer.size;
      width = layer.size;
    } else if (layer.kind === 'lstm' || layer.kind === 'gru' || layer.kind === 'elman') {
      const gates = { lstm: 4, gru: 3, elman: 1 }[layer.kind];
      const own = (gates * layer.hiddenSize ** 2) / (layer.blocks ?? 1);
      recurrent += own;
      total += own + gates * layer.hiddenSize * (layer.inputSize + 2);
      width = layer.hiddenSize;
    } else if (layer.kind === 'linear') {
      total += layer.outputSize * (width + 1);
      width = layer.outputSize;
    }
  }
  return { recurrent, total };
}
