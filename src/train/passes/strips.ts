import type { Meet } from '../../engine/piece.js';
import { shareOf } from '../../engine/share.js';
import { stripSizes } from '../../model/strips.js';
import type { Param } from '../plan/link.js';
import { recurrentsOf, type TrainProgram } from '../plan/program.js';
import { areaOf, type StripsTape } from '../plan/strips.js';
import type { Seat } from './seat.js';

/** Binds what layers of strips need around each step; undefined where there are none. */
export function bindStrips(seat: Seat): { expand(meet: Meet): void; gather(meet: Meet): void } | undefined {
  const tapes = stripsIn(seat.program);
  if (tapes.length === 0) return undefined;
  const { kernels, program } = seat;
  const { weights, slopes } = program;
  return {
    /** The dense matrices that strips and diagonals are: where strips overlap they are added in their order. */
    expand(meet) {
      for (const tape of tapes) {
        const dense = weights + tape.dense.at;
        const own = ownOf(tape, seat);
        for (const { places, count } of own) kernels.clear_places_f32(dense, places, count);
        for (const { at, places, count } of own) kernels.add_places_f32(dense, weights + at, places, count);
      }
      meet();
    },
    /** The gradients of strips and diagonals out of those of the dense matrices. */
    gather(meet) {
      for (const tape of tapes) {
        const dense = slopes + tape.dense.at;
        for (const { at, places, count } of ownOf(tape, seat))
          kernels.gather_f32(slopes + at, 0, dense, 0, places, 1, count);
      }
      meet();
    },
  };
}

function stripsIn({ ops }: TrainProgram): StripsTape[] {
  return recurrentsOf(ops).flatMap(({ strips }) => strips ?? []);
}

/** Values one after the other: their offset in a region, the address of their places, and how many. */
interface Stretch {
  at: number;
  places: number;
  count: number;
}

/** This worker's rows of strips, which share no place with another row, and the diagonal of their units. */
function ownOf(tape: StripsTape, { i32, k, n }: Seat): Stretch[] {
  const { strips, cell, hidden, values, diagonal, perGate, starts, places } = tape;
  const own = shareOf(cell.gates * perGate, k, n);
  const stretch = ({ at }: Param, table: number, firstOf: (row: number) => number): Stretch => {
    const first = firstOf(own.from);
    return { at: at + first * 4, places: table + first * 4, count: firstOf(own.to) - first };
  };
  const ofStrips = stretch(values, places.values, (row) => i32[starts / 4 + row]! * areaOf(strips));
  if (diagonal === undefined) return [ofStrips];
  const { rows } = stripSizes[strips.shape];
  const unitOf = (row: number) => Math.floor(row / perGate) * hidden + (row % perGate) * rows;
  return [ofStrips, stretch(diagonal, places.diagonal, unitOf)];
}
