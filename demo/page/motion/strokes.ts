/** In heights of the canvas, from its middle; y points down. */
export interface Place {
  x: number;
  y: number;
}

export interface Stroke {
  label: string;
  /** one after the other, as fast as a path's positions */
  places: readonly Place[];
}

/** positions of a turn: as many as in the data */
const turn = 16;

/** Strokes for those who cannot draw, or want to see first what to draw. */
export const strokes: readonly Stroke[] = [
  { label: 'Clockwise', places: circle(1) },
  { label: 'Counter-clockwise', places: circle(-1) },
  { label: 'A line', places: range(32, (i) => ({ x: 0.04 * (i - 15.5), y: 0.15 - 0.01 * i })) },
  // A hand that rests still trembles a little.
  { label: 'Rest', places: range(24, (i) => ({ x: 0.002 * Math.sin(3 * i), y: 0.002 * Math.sin(5 * i) })) },
];

/** Three turns, from the top. @param direction 1 is clockwise */
function circle(direction: number): Place[] {
  return range(3 * turn + 1, (i) => {
    const angle = (direction * 2 * Math.PI * i) / turn;
    return { x: 0.25 * Math.sin(angle), y: -0.25 * Math.cos(angle) };
  });
}

function range(count: number, place: (i: number) => Place): Place[] {
  return Array.from({ length: count }, (_, i) => place(i));
}
