import type { Line, SpeedChart } from '../chart.js';
import { count, find, messageOf, microseconds, short, watch } from '../dom.js';
import { drawRecurrent, inputs, sizesOf, steps } from '../layer.js';
import { MatrixPicture } from '../matrix.js';
import { Measurer } from '../measurer.js';
import { medianOf } from '../timing.js';

/** One line of the chart: a runtime with so many threads. */
interface Racer {
  name: string;
  runtime: 'blockrnn' | 'onnxruntime';
  threads: number;
  colour: string;
  dashed: boolean;
}

/** How often everything is measured: what else the machine did meanwhile should not count. */
const rounds = 3;
/** What onnxruntime takes to say N blocks is N nodes; with more than these, building them takes longer than anything. */
const mostNodes = 64;

interface Task {
  racer: Racer;
  hidden: number;
  blocks: number;
  /** 0 for the first */
  round: number;
}

const html = `
  <div class="bench">
    <figure class="picture">
      <canvas id="matrix" role="img"></canvas>
      <figcaption id="structure"></figcaption>
    </figure>
    <div class="dials">
      <label class="dial">
        <span>Blocks <output id="n"></output></span>
        <input id="blocks" type="range" min="0" step="1" />
        <span class="ends"><small>dense</small><small>diagonal</small></span>
      </label>
      <label class="dial">
        <span>Units</span>
        <select id="units"><option>256</option><option selected>512</option><option>1024</option></select>
      </label>
      <dl class="figures">
        <div class="main"><dt>a step, here, on one thread</dt><dd><b id="speed">·</b> µs</dd><dd id="gain"></dd></div>
        <div><dt>recurrent weights</dt><dd id="recurrent"></dd></div>
        <div><dt>weights in all</dt><dd id="total"></dd></div>
        <div><dt>multiply-adds a step</dt><dd id="work"></dd></div>
      </dl>
    </div>
  </div>
  <div class="race">
    <div>
      <h3>Microseconds per step, by number of blocks</h3>
      <div id="chart" role="img"></div>
    </div>
    <div class="standings">
      <table>
        <caption id="standing-of"></caption>
        <thead><tr><th scope="col">runtime</th><th scope="col">threads</th><th scope="col">µs</th></tr></thead>
        <tbody></tbody>
      </table>
      <div class="buttons">
        <button id="rival" type="button">Race onnxruntime-web <small>loads 3.7 MB</small></button>
        <button id="again" type="button">Measure again</button>
      </div>
      <p id="race-note" class="note" role="status"></p>
    </div>
  </div>`;

export async function open(section: HTMLElement): Promise<void> {
  const stage = find('.stage', HTMLElement, section);
  stage.innerHTML = html;
  const canvas = find('#matrix', HTMLCanvasElement, stage);
  repairLanguage();
  const { SpeedChart } = await import('../chart.js');
  const chart = new SpeedChart(find('#chart', HTMLElement, stage));
  const race = new Race(stage, new MatrixPicture(canvas, canvas.clientWidth), chart);
  watch(stage, (isSeen) => race.pause(!isSeen));
}

/** Where LANG is C, Chromium speaks en-US@posix, at which Intl throws; the chart's library asks it as it is loaded. */
function repairLanguage(): void {
  try {
    new Intl.NumberFormat(navigator.language);
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en-US' });
  }
}

class Race {
  readonly #stage: HTMLElement;
  readonly #picture: MatrixPicture;
  readonly #chart: SpeedChart;
  readonly #measurer = new Measurer();
  readonly #slider: HTMLInputElement;
  readonly #select: HTMLSelectElement;
  readonly #racers: Racer[];
  readonly #threads: number;
  /** µs of each round by racer, H and N */
  readonly #times = new Map<string, number[]>();
  /** h after the last step, by H and N: what all must agree on */
  readonly #outcomes = new Map<string, Float32Array>();
  #isPaused = true;
  #isAtWork = false;
  /** so that what was begun before "Measure again" does not count after it */
  #beginning = 0;

  constructor(stage: HTMLElement, picture: MatrixPicture, chart: SpeedChart) {
    this.#stage = stage;
    this.#picture = picture;
    this.#chart = chart;
    this.#slider = find('#blocks', HTMLInputElement, stage);
    this.#select = find('#units', HTMLSelectElement, stage);
    this.#threads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
    this.#racers = this.#makeRacers('blockrnn', '--accent');
    chart.onChoose((blocks) => {
      this.#slider.value = String(Math.log2(blocks));
      this.#change();
    });
    this.#slider.addEventListener('input', () => this.#change());
    this.#select.addEventListener('change', () => {
      this.#slider.max = String(Math.log2(this.#hidden));
      this.#change();
    });
    find('#again', HTMLButtonElement, stage).addEventListener('click', () => {
      this.#beginning++;
      this.#times.clear();
      this.#change();
    });
    const rival = find('#rival', HTMLButtonElement, stage);
    rival.addEventListener('click', () => {
      rival.disabled = true;
      this.#racers.push(...this.#makeRacers('onnxruntime', '--soft'));
      this.#change();
    });
    this.#slider.max = String(Math.log2(this.#hidden));
    this.#slider.value = '3';
    this.#change();
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    void this.#work();
  }

  get #hidden(): number {
    return Number(this.#select.value);
  }

  get #blocks(): number {
    return 2 ** Number(this.#slider.value);
  }

  #makeRacers(runtime: Racer['runtime'], colour: string): Racer[] {
    const name = runtime === 'blockrnn' ? runtime : 'onnxruntime-web';
    const solo = { name, runtime, threads: 1, colour, dashed: false };
    return this.#threads === 1 ? [solo] : [solo, { ...solo, threads: this.#threads, dashed: true }];
  }

  /** Something else was chosen. */
  #change(): void {
    const [hidden, blocks] = [this.#hidden, this.#blocks];
    const units = hidden / blocks;
    const structure =
      blocks === 1 ? 'dense' : units === 1 ? 'diagonal' : `${count(blocks)} blocks of ${count(units)}`;
    this.#picture.show(hidden, blocks, drawRecurrent(hidden, blocks));
    this.#set('#n', count(blocks));
    this.#slider.setAttribute('aria-valuetext', structure);
    find('#matrix', HTMLElement, this.#stage).setAttribute(
      'aria-label',
      `The recurrent matrix: ${structure}`,
    );
    const { recurrent, total, work } = sizesOf(hidden, blocks);
    this.#set(
      '#structure',
      `${count(hidden)} × ${count(hidden)}, ${structure}: one of the four gates. What is empty is not stored and ` +
        'not computed.',
    );
    this.#set('#recurrent', short(recurrent));
    this.#set('#total', short(total));
    this.#set('#work', short(work));
    this.#show();
    void this.#work();
  }

  /** Shows what has been measured. */
  #show(): void {
    const [hidden, blocks] = [this.#hidden, this.#blocks];
    const [ours] = this.#racers;
    const own = ours && this.#timeOf(ours, hidden, blocks);
    const dense = ours && this.#timeOf(ours, hidden, 1);
    this.#set('#speed', own === undefined ? '·' : microseconds(own));
    this.#set(
      '#gain',
      own && dense && blocks > 1 ? `${(dense / own).toFixed(1)} times as fast as dense` : '\u00a0',
    );
    const rows = this.#racers.map((racer) => {
      const row = document.createElement('tr');
      const time = this.#timeOf(racer, hidden, blocks);
      const name = document.createElement('th');
      name.scope = 'row';
      const swatch = document.createElement('i');
      swatch.className = racer.dashed ? 'swatch dashed' : 'swatch';
      swatch.style.setProperty('--colour', `var(${racer.colour})`);
      name.append(swatch, racer.name);
      const cells = [String(racer.threads), time === undefined ? '·' : microseconds(time)].map((text) => {
        const cell = document.createElement('td');
        cell.textContent = text;
        return cell;
      });
      row.append(name, ...cells);
      return row;
    });
    find('tbody', HTMLElement, this.#stage).replaceChildren(...rows);
    this.#set(
      '#standing-of',
      `${count(hidden)} units, ${blocks === 1 ? 'dense' : `${count(blocks)} blocks`}`,
    );
    const powers = powersTo(hidden);
    const lines = this.#racers.map((racer): Line => {
      const known = powers.flatMap((n) => {
        const time = this.#timeOf(racer, hidden, n);
        return time === undefined ? [] : [[n, time] as const];
      });
      return { ...racer, points: new Map(known) };
    });
    this.#chart.show(hidden, blocks, lines);
    const said =
      lines[0] && [...lines[0].points].map(([n, time]) => `${n}: ${microseconds(time)}`).join(', ');
    find('#chart', HTMLElement, this.#stage).setAttribute(
      'aria-label',
      `Microseconds per step by number of blocks, on one thread. ${said || 'Nothing is measured yet.'}`,
    );
  }

  /** Measures what is still unknown, the chosen number of blocks first, for as long as somebody looks. */
  async #work(): Promise<void> {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    try {
      for (let task = this.#next(); task !== undefined && !this.#isPaused; task = this.#next()) {
        const { racer, hidden, blocks, round } = task;
        const again = round === 0 ? 'Measuring' : `Measuring again (${round + 1} of ${rounds})`;
        this.#say(`${again}: ${racer.name}, ${threadsOf(racer)}, N = ${blocks}`);
        const beginning = this.#beginning;
        const { microseconds: time, y } = await this.#measurer.measure({ ...racer, hidden, blocks });
        this.#compare(racer, hidden, blocks, y);
        if (beginning !== this.#beginning) continue;
        const key = keyOf(racer, hidden, blocks);
        this.#times.set(key, [...(this.#times.get(key) ?? []), time]);
        this.#show();
      }
      if (!this.#isPaused) this.#say(this.#summary());
    } catch (error) {
      this.#say(`The measurement ended: ${messageOf(error)}`);
    } finally {
      this.#isAtWork = false;
    }
  }

  /** What all have been measured for least, of it the chosen number of blocks first. */
  #next(): Task | undefined {
    const hidden = this.#hidden;
    const tasksOf = (racer: Racer, order: readonly number[], round: number): Task[] =>
      order
        .filter((blocks) => racer.runtime === 'blockrnn' || blocks <= mostNodes)
        .filter((blocks) => (this.#times.get(keyOf(racer, hidden, blocks))?.length ?? 0) <= round)
        .map((blocks) => ({ racer, hidden, blocks, round }));
    for (let round = 0; round < rounds; round++) {
      const chosen = this.#racers.flatMap((racer) => tasksOf(racer, [this.#blocks], round));
      const all = this.#racers.flatMap((racer) => tasksOf(racer, powersTo(hidden), round));
      const [first] = [...chosen, ...all];
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** µs; of the rival the better of its two ways: N nodes, or a dense one in which zeros stand between the blocks. */
  #timeOf(racer: Racer, hidden: number, blocks: number): number | undefined {
    const time = medianOf(this.#times.get(keyOf(racer, hidden, blocks)) ?? []);
    if (racer.runtime === 'blockrnn') return time;
    const dense = medianOf(this.#times.get(keyOf(racer, hidden, 1)) ?? []);
    if (dense === undefined || (time === undefined && blocks <= mostNodes)) return undefined;
    return Math.min(dense, time ?? dense);
  }

  /** @throws Error when a runtime has computed something else than the first, whose bytes threads must not change */
  #compare({ name, runtime, threads }: Racer, hidden: number, blocks: number, y: Float32Array): void {
    const key = `${hidden} ${blocks}`;
    const first = this.#outcomes.get(key);
    if (first === undefined) {
      if (runtime === 'blockrnn') this.#outcomes.set(key, y);
      return;
    }
    // Two programs that round differently drift apart by some roundoffs a step.
    const most = runtime === 'blockrnn' ? 0 : 1e-6 * (10 + steps);
    const isSame =
      y.length === first.length && y.every((value, i) => Math.abs(value - (first[i] ?? 0)) <= most);
    if (!isSame) throw new Error(`${name} on ${threads} threads gives another result for N = ${blocks}.`);
  }

  #summary(): string {
    const rival = this.#racers.some(({ runtime }) => runtime === 'onnxruntime')
      ? ` Of onnxruntime the better of two: N nodes and a Concat (up to ${mostNodes}), or one dense node. It gave the ` +
        'same numbers, to within rounding.'
      : '';
    const threads =
      this.#threads > 1
        ? ` ${this.#threads} threads gave the same bytes as one.`
        : globalThis.crossOriginIsolated
          ? ' This machine has one thread.'
          : ' One thread: without the isolation headers a page has no shared memory.';
    return `An LSTM over ${inputs} inputs, runs of ${steps} steps, medians after a warm-up, in ${rounds} rounds.${threads}${rival}`;
  }

  #say(text: string): void {
    this.#set('#race-note', text);
  }

  #set(selector: string, text: string): void {
    find(selector, HTMLElement, this.#stage).textContent = text;
  }
}

function powersTo(hidden: number): number[] {
  return Array.from({ length: Math.log2(hidden) + 1 }, (_, i) => 2 ** i);
}

function keyOf({ runtime, threads }: Racer, hidden: number, blocks: number): string {
  return `${runtime} ${threads} ${hidden} ${blocks}`;
}

function threadsOf({ threads }: Racer): string {
  return threads === 1 ? 'one thread' : `${threads} threads`;
}
