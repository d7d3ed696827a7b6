/**
 * The constants of the gate functions and the exponential in the order of assembly/math/table.ts, where each is described. In memory each
 * is one vector: four times the same float.
 */
const constants = [
  1,
  12582912,
  -Math.LOG2E,
  28,
  -28,
  9,
  -9,
  ...[
    0.6931470036506653, 0.24022242426872253, 0.05550733581185341, 0.009671512991189957, 0.001326472731307149,
  ],
  ...[0.13381023705005646, 0.0034955868031829596, 2.0609058992704377e-5, 1.335463029050743e-8],
  ...[0.46714338660240173, 0.025876976549625397, 3.2856324105523527e-4, 7.776545203341811e-7],
  -87,
  Math.LOG2E,
  ...[-0.693359375, 2.121944400546906e-4],
  ...[0.49999997, 0.16666543, 0.0416672, 0.008366548, 0.0013882517],
  ...[0.3333320915699005, 0.2001076191663742, 0.14000922441482544, 0.14005890488624573],
  13.19,
  ...[0.8709063529968262, 0.3622700870037079, 0.07985307276248932, 0.008023389615118504],
  ...[1.6687912940979004, 1.1937687397003174, 0.46392714977264404, 0.1000884547829628, 0.010055681690573692],
  -9.98,
  ...[2 * Math.sqrt(2 / Math.PI), 2 * Math.sqrt(2 / Math.PI) * 0.044715],
];

/** Floats that the table takes. */
export const tableFloats = constants.length * 4;

/** Writes the table at an index of a memory's floats. */
export function placeTable(to: Float32Array, index: number): void {
  for (const [i, value] of constants.entries()) to.fill(value, index + i * 4, index + i * 4 + 4);
}
