/** Work allowed to the search; an order that is not found within it is asked for. */
const maxSteps = 20_000;

/** What a layer must know of itself to find its place in a stack. */
export interface Link {
  /** features that it reads; undefined where ids come in, which is at the beginning only */
  reads: number | undefined;
  /** features that it gives */
  gives: number;
}

/** Up to two orders; `complete` is false where the search gave up before it had seen all. */
export interface Chains<L> {
  found: L[][];
  complete: boolean;
}

/**
 * Finds orders in which every link reads as many features as the one before it gives.
 * @param choices for each place one link of several, in any order
 * @param isBefore whether the first of two indices of `choices` is known to come before the second
 */
export function findChains<L extends Link>(
  choices: readonly (readonly L[])[],
  isBefore: (a: number, b: number) => boolean,
): Chains<L> {
  const found: L[][] = [];
  const earlier = choices.map((_, index) =>
    choices.flatMap((_, other) => (isBefore(other, index) ? [other] : [])),
  );
  const used = new Set<number>();
  const chain: L[] = [];
  let steps = 0;
  const extend = () => {
    if (chain.length === choices.length) found.push([...chain]);
    for (const [index, links] of choices.entries()) {
      if (found.length > 1 || ++steps > maxSteps) return;
      if (used.has(index) || earlier[index]!.some((other) => !used.has(other))) continue;
      for (const link of links) {
        const before = chain.at(-1);
        if (before !== undefined && link.reads !== before.gives) continue;
        used.add(index);
        chain.push(link);
        extend();
        chain.pop();
        used.delete(index);
      }
    }
  };
  extend();
  return { found, complete: steps <= maxSteps };
}
