/**
 * The first element that a selector names.
 * @throws Error when there is none, or it is of another kind
 */
export function find<T extends Element>(
  selector: string,
  kind: new () => T,
  within: ParentNode = document,
): T {
  const found = within.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector} that is an ${kind.name}.`);
  return found;
}

/** A whole number with thin spaces between its thousands. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

/** Microseconds with three digits that count, as far as they are whole. */
export function microseconds(value: number): string {
  return value >= 1000 ? count(Math.round(value)) : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
}

/** Three digits and a letter: 131 k, 4.19 M. */
export function short(value: number): string {
  if (value < 1000) return String(value);
  const [size, letter] = value < 1e6 ? [value / 1e3, 'k'] : [value / 1e6, 'M'];
  return `${size.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)}\u2009${letter}`;
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A colour of the style sheet as numbers 0..255; a canvas does not know light-dark(), an element's style does. */
export function colourOf(name: string): [number, number, number] {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const [r = 0, g = 0, b = 0] =
    getComputedStyle(probe)
      .color.match(/[\d.]+/g)
      ?.map(Number) ?? [];
  probe.remove();
  return [r, g, b];
}

/** Calls back when light turns to dark, or the other way. */
export function onColourChange(listener: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener);
}

/** Whether who looks has asked for less motion. */
export const stillness = matchMedia('(prefers-reduced-motion: reduce)');

/** Tells whether an element is on the screen, now and whenever that changes. */
export function watch(element: Element, listener: (isSeen: boolean) => void): void {
  new IntersectionObserver((entries) => listener(entries.at(-1)?.isIntersecting ?? false)).observe(element);
}
