/**
 * The constants of the gate functions and the exponential stand in memory, each four times over, and their address is an argument of
 * every kernel that needs them: engines rebuild a vector literal inside a loop, in several instructions, while a
 * load is one operand. src/pack/table.ts writes them; these are their places, in bytes.
 */
export const ONE: usize = 0;
/** 1.5 · 2^23: added to a number, it leaves the nearest integer in the low bits. */
export const ROUND: usize = 16;
/** −log2 e */
export const MINUS_LOG2_E: usize = 32;
export const SIGMOID_MOST: usize = 48;
export const SIGMOID_LEAST: usize = 64;
export const TANH_MOST: usize = 80;
export const TANH_LEAST: usize = 96;
/** Coefficients of 2^f, from f to f⁵. */
export const E1: usize = 112;
export const E2: usize = 128;
export const E3: usize = 144;
export const E4: usize = 160;
export const E5: usize = 176;
/** Coefficients of tanh's numerator over x, from x² to x⁸. */
export const P1: usize = 192;
export const P2: usize = 208;
export const P3: usize = 224;
export const P4: usize = 240;
/** Coefficients of its denominator, from x² to x⁸. */
export const Q1: usize = 256;
export const Q2: usize = 272;
export const Q3: usize = 288;
export const Q4: usize = 304;
/** Of the exponential (exp.ts): its least argument, log2 e, ln 2 in two parts, negated, and coefficients of P. */
export const EXP_LEAST: usize = 320;
export const LOG2_E: usize = 336;
export const MINUS_LN2_HI: usize = 352;
export const MINUS_LN2_LO: usize = 368;
export const R0: usize = 384;
export const R1: usize = 400;
export const R2: usize = 416;
export const R3: usize = 432;
export const R4: usize = 448;
/** Coefficients of a logarithm near 1 (functions.ts), from s² to s⁸. */
export const L0: usize = 464;
export const L1: usize = 480;
export const L2: usize = 496;
export const L3: usize = 512;
/** Of the normal distribution's tail (gelu.ts): its largest argument, and coefficients of a numerator and a denominator. */
export const TAIL_MOST: usize = 528;
export const N1: usize = 544;
export const N2: usize = 560;
export const N3: usize = 576;
export const N4: usize = 592;
export const D1: usize = 608;
export const D2: usize = 624;
export const D3: usize = 640;
export const D4: usize = 656;
export const D5: usize = 672;
/** Of its approximation by tanh: the least argument, and coefficients of x and x³. */
export const GELU_LEAST: usize = 688;
export const GELU_1: usize = 704;
export const GELU_3: usize = 720;
/** Where the table ends, and a layer's own parameters may stand behind it (cell/parameters.ts). */
export const TABLE_END: usize = 736;
