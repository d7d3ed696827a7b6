import { fitCanvas } from '../canvas.js';
import { colourOf, find, messageOf, onColourChange, stillness } from '../dom.js';
import { Path, points } from '../motion/path.js';
import { type Place, strokes } from '../motion/strokes.js';
import { addSheet } from '../sheet.js';
import { gestures, openNamer } from '../snippets/move.js';

const source = './models/gestures-block8.safetensors';
/**
 * Positions a second. The data has a circle in 13 to 20 of them; at 16, someone who draws one in 0.8 to 1.3 seconds
 * gives the same.
 */
const pace = 16;
/**
 * Heights of this canvas in the height of the data's picture: a hand in front of a camera needs little of it, circles
 * of a seventh, and here one draws larger than that.
 */
const heights = 3.2;
/** width of the data's picture by its height; each coordinate is a part of its own side */
const aspect = 16 / 9;

const stage = `
  <div class="move">
    <div class="move-paper">
      <canvas class="move-canvas" role="img" aria-label="A place to draw on with a mouse or a finger"></canvas>
      <p class="move-hint">Hold, and draw circles here</p>
    </div>
    <div class="move-answer">
      <output class="move-name" aria-live="polite">·</output>
      <dl class="move-bars"></dl>
    </div>
    <div class="buttons move-controls" role="group" aria-label="Strokes to watch">
      <span>Or watch one:</span>
    </div>
    <p class="note move-note" role="status">Loading the network…</p>
  </div>`;

/** Fills the panel "Move". */
export async function open(section: HTMLElement): Promise<void> {
  await addSheet('./panels/move.css');
  const within = find('.stage', HTMLElement, section);
  within.insertAdjacentHTML('beforeend', stage);
  const note = find('.move-note', HTMLElement, within);
  const namePath = await openNamer(source);
  const answer = new Answer(within);
  const sketch = new Sketch(find('.move-canvas', HTMLCanvasElement, within));
  const pen = new Pen(namePath, answer, sketch, (error) => {
    note.textContent = `This did not work: ${messageOf(error)}`;
  });
  note.textContent =
    `The network sees the last ${points} positions of your fingertip, ${pace} in a second (the dots), and answers at ` +
    'every one.';
  pen.onMeasured = (microseconds) => {
    note.textContent =
      `The network sees the last ${points} positions of your fingertip, ${pace} in a second (the dots), and answers ` +
      `at every one: ${microseconds.toFixed(0)} µs for ${points} steps.`;
  };

  const canvas = find('.move-canvas', HTMLCanvasElement, within);
  const hint = find('.move-hint', HTMLElement, within);
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    hint.hidden = true;
    pen.down(placeOf(event, canvas));
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!canvas.hasPointerCapture(event.pointerId)) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const each of all.length > 0 ? all : [event]) pen.move(placeOf(each, canvas));
  });
  canvas.addEventListener('lostpointercapture', () => pen.up());

  const controls = find('.move-controls', HTMLElement, within);
  for (const { label, places } of strokes) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.addEventListener('click', () => {
      hint.hidden = true;
      void pen.play(places);
    });
    controls.append(button);
  }
}

/** Where in a canvas, in its heights, from its middle. */
function placeOf({ clientX, clientY }: MouseEvent, canvas: HTMLCanvasElement): Place {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return { x: (clientX - left - width / 2) / height, y: (clientY - top) / height - 0.5 };
}

/** What draws: a hand, or one of the strokes. It has the network name its path, `pace` times in a second. */
class Pen {
  onMeasured: (microseconds: number) => void = () => {};
  readonly #path = new Path();
  readonly #namePath: (path: Path) => Promise<number[]>;
  readonly #answer: Answer;
  readonly #sketch: Sketch;
  readonly #onError: (error: unknown) => void;
  #place: Place = { x: 0, y: 0 };
  #timer: ReturnType<typeof setInterval> | undefined;
  /** which stroke it is: an answer that comes late belongs to one before */
  #stroke = 0;
  #fastest = Number.POSITIVE_INFINITY;

  constructor(
    namePath: (path: Path) => Promise<number[]>,
    answer: Answer,
    sketch: Sketch,
    onError: (error: unknown) => void,
  ) {
    this.#namePath = namePath;
    this.#answer = answer;
    this.#sketch = sketch;
    this.#onError = onError;
  }

  down(place: Place): void {
    this.#begin(place);
    this.#timer = setInterval(() => void this.#tick(this.#place), 1000 / pace);
  }

  move(place: Place): void {
    this.#place = place;
    this.#sketch.draw(place);
  }

  up(): void {
    clearInterval(this.#timer);
  }

  /** Draws a stroke, at the pace of a hand; at once for who has asked for less motion. */
  async play(places: readonly Place[]): Promise<void> {
    const stroke = this.#begin(places[0]!);
    if (stillness.matches) {
      for (const place of places) await this.#tick(place);
      return;
    }
    let at = 0;
    this.#timer = setInterval(() => {
      const place = places[at++];
      if (place !== undefined) void this.#tick(place);
      else if (stroke === this.#stroke) this.up();
    }, 1000 / pace);
  }

  #begin(place: Place): number {
    this.up();
    this.#place = place;
    this.#path.begin(place.x / heights / aspect, place.y / heights);
    this.#sketch.begin(place);
    return ++this.#stroke;
  }

  async #tick(place: Place): Promise<void> {
    const stroke = this.#stroke;
    this.#sketch.draw(place);
    this.#sketch.mark(place);
    this.#path.push(place.x / heights / aspect, place.y / heights);
    try {
      const start = performance.now();
      const probabilities = await this.#namePath(this.#path);
      const took = (performance.now() - start) * 1000;
      if (stroke !== this.#stroke) return;
      this.#answer.show(probabilities);
      if (took >= this.#fastest) return;
      this.#fastest = took;
      this.onMeasured(took);
    } catch (error) {
      this.up();
      this.#onError(error);
    }
  }
}

/** The name, and a bar for each gesture. */
class Answer {
  readonly #name: HTMLElement;
  readonly #bars: HTMLElement[];
  #shown = -1;
  #last = -1;

  constructor(within: HTMLElement) {
    this.#name = find('.move-name', HTMLElement, within);
    const list = find('.move-bars', HTMLElement, within);
    this.#bars = gestures.map((gesture) => {
      const bar = document.createElement('div');
      const name = document.createElement('dt');
      const value = document.createElement('dd');
      name.textContent = gesture;
      value.textContent = '·';
      bar.append(name, value, document.createElement('i'));
      list.append(bar);
      return bar;
    });
  }

  show(probabilities: readonly number[]): void {
    for (const [gesture, bar] of this.#bars.entries()) {
      const probability = probabilities[gesture]!;
      bar.style.setProperty('--share', probability.toFixed(3));
      bar.children[1]!.textContent = `${Math.round(100 * probability)} %`;
    }
    const best = probabilities.indexOf(Math.max(...probabilities));
    // Two answers alike: it would flicker, and be read aloud, where one gesture turns into another.
    if (best === this.#last && best !== this.#shown) {
      this.#shown = best;
      this.#name.textContent = gestures[best]!;
    }
    this.#last = best;
  }
}

/** What was drawn, and the positions that the network sees. */
class Sketch {
  #line: Place[] = [];
  #marks: Place[] = [];
  readonly #ask: () => void;

  constructor(canvas: HTMLCanvasElement) {
    this.#ask = fitCanvas(canvas, (context, width, height) => this.#draw(context, width, height));
    onColourChange(this.#ask);
  }

  begin(place: Place): void {
    this.#line = [place];
    this.#marks = [];
    this.#ask();
  }

  draw(place: Place): void {
    this.#line.push(place);
    if (this.#line.length > 4000) this.#line.splice(0, 2000);
    this.#ask();
  }

  mark(place: Place): void {
    this.#marks.push(place);
    if (this.#marks.length > points) this.#marks.shift();
    this.#ask();
  }

  #draw(context: CanvasRenderingContext2D, width: number, height: number): void {
    const at = ({ x, y }: Place) => [width / 2 + x * height, (y + 0.5) * height] as const;
    context.lineWidth = 2;
    context.lineJoin = context.lineCap = 'round';
    context.strokeStyle = `rgb(${colourOf('--line').join(' ')})`;
    context.beginPath();
    for (const place of this.#line) context.lineTo(...at(place));
    context.stroke();
    const accent = `rgb(${colourOf('--accent').join(' ')})`;
    context.fillStyle = context.strokeStyle = accent;
    for (const [age, place] of this.#marks.entries()) {
      const share = (age + 1) / this.#marks.length;
      context.globalAlpha = 0.2 + 0.8 * share;
      context.beginPath();
      context.arc(...at(place), 2 + 4 * share, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }
}
