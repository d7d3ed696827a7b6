import type { Flow, Fragment } from '../../pack/flow.js';
import type { Link } from './link.js';
import { type Plan, placeRows } from './params.js';
import type { RowCopy } from './program.js';

/** An operand as its reader finds it. */
export interface Operand {
  fragments: readonly Fragment[];
  link: Link;
  /** the one value that the link is the rows of; undefined where fragments were put side by side */
  whole: number | undefined;
  /** what has to be copied before */
  gather: RowCopy[];
}

/** Where the values of layers lie, and how they come together where one layer reads several, or some features alone. */
export class Links {
  readonly #of = new Map<number, Link>();
  readonly #joins = new Map<string, Link>();

  constructor(
    readonly plan: Plan,
    readonly flow: Flow,
    readonly inputs: number,
    input: Link,
  ) {
    this.#of.set(-1, input);
  }

  /** Notes what those who read a layer read. */
  set(layer: number, link: Link): void {
    this.#of.set(layer, link);
  }

  /** Features that a value has. */
  widthOf(value: number): number {
    return value < 0 ? this.inputs : this.flow.widths[value]!;
  }

  /**
   * What a layer reads: rows of one value, or copies of fragments side by side, once for all who read the same.
   * @param slots steps' worth of rows to keep free before the copies; then they are this reader's own
   */
  read(fragments: readonly Fragment[], slots = 0): Operand {
    const [{ value, width }] = fragments as [Fragment];
    if (slots === 0 && fragments.length === 1 && width === this.widthOf(value))
      return { fragments, link: this.#of.get(value)!, whole: value, gather: [] };
    const key = fragments.map((each) => `${each.value}:${each.column}+${each.width}`).join(' ');
    const known = this.#joins.get(key);
    if (known !== undefined && slots === 0) return { fragments, link: known, whole: undefined, gather: [] };
    const operand = this.reserve(fragments, slots);
    if (slots === 0) this.#joins.set(key, operand.link);
    this.gather(operand);
    return operand;
  }

  /** The reader's own copies, of which `gather` says where from when everything that they are of has its place. */
  reserve(fragments: readonly Fragment[], slots: number): Operand {
    const total = fragments.reduce((sum, each) => sum + each.width, 0);
    const { rows, capacity } = this.plan;
    const link: Link = { ...placeRows(this.plan, rows + slots * capacity.batch, total), skip: slots };
    return { fragments, link, whole: undefined, gather: [] };
  }

  gather({ fragments, link, gather }: Operand): void {
    let column = 0;
    for (const { value, column: first, width } of fragments) {
      const from = shifted(this.#of.get(value)!, first);
      gather.push({ from, to: shifted(link, column), width, how: 'copy' });
      column += width;
    }
  }
}

/** The same rows from another column on. */
export function shifted(link: Link, columns: number): Link {
  return { ...link, y: link.y + columns * 4 };
}
