import { fullFunc } from '#dist/model/functions.js';
import { isRecurrent, type ModelSpec } from '#dist/model/spec.js';
import type { Tensors } from '#dist/model/tensors.js';
import { sourcesOf } from '#dist/model/wiring.js';
import { expandToDense } from './dense.js';
import { expandStripsToDense } from './strips.js';

/**
 * What a spec means, step by step in f64, for graphs of linear layers, GRUs, Elman layers, delays, element-wise
 * functions and slices: so that readers of files can be checked before anything runs. x [T][I] → y [T][O]
 */
export function runMeaning(spec: ModelSpec, tensors: Tensors, x: readonly number[][]): number[][] {
  const sources = sourcesOf(spec);
  const expanded = expandStripsToDense(spec, tensors);
  const dense = expandToDense(expanded.spec, expanded.tensors);
  const states = spec.layers.map((layer) =>
    isRecurrent(layer) ? new Array<number>(layer.hiddenSize).fill(0) : [],
  );
  const pasts = spec.layers.map((): number[][] => []);
  return x.map((frame) => {
    const given: number[][] = [];
    for (const [index, layer] of dense.spec.layers.entries()) {
      const input = sources[index]!.flatMap((source) => (source < 0 ? frame : given[source]!));
      const matrix = (field: string, row: number, vector: readonly number[]) => {
        const { data } = dense.tensors[`${layer.name}.${field}`]!;
        return vector.reduce((sum, value, k) => sum + value * data[row * vector.length + k]!, 0);
      };
      const bias = (field: string, row: number) => dense.tensors[`${layer.name}.${field}`]!.data[row]!;
      const state = states[index]!;
      const gate = (g: number, i: number) => {
        const row = g * state.length + i;
        return {
          input: matrix('weight_ih', row, input) + bias('bias_ih', row),
          recurrent: (past: readonly number[]) => matrix('weight_hh', row, past) + bias('bias_hh', row),
        };
      };
      switch (layer.kind) {
        case 'linear':
          given.push(
            Array.from({ length: layer.outputSize }, (_, i) => matrix('weight', i, input) + bias('bias', i)),
          );
          break;
        case 'activation':
          given.push(input.map(functions[layer.activation]!));
          break;
        case 'delay': {
          const past = pasts[index]!;
          past.push(input);
          given.push(past.at(-1 - (layer.steps ?? 1)) ?? input.map(() => 0));
          break;
        }
        case 'slice':
          given.push(input.slice(layer.from, layer.to));
          break;
        case 'elman': {
          const f = functions[fullFunc(layer.activation ?? 'tanh').function]!;
          states[index] = state.map((_, i) => f(gate(0, i).input + gate(0, i).recurrent(state)));
          given.push(states[index]);
          break;
        }
        case 'gru': {
          const [f, g] = (layer.activations ?? ['sigmoid', 'tanh']).map(
            (func) => functions[fullFunc(func).function]!,
          );
          const r = state.map((_, i) => f!(gate(0, i).input + gate(0, i).recurrent(state)));
          const z = state.map((_, i) => f!(gate(1, i).input + gate(1, i).recurrent(state)));
          const reset = state.map((h, i) => h * r[i]!);
          const n = state.map((_, i) => {
            const { input: own, recurrent } = gate(2, i);
            return g!(own + (layer.resetAfter === false ? recurrent(reset) : r[i]! * recurrent(state)));
          });
          states[index] = state.map((h, i) => (1 - z[i]!) * n[i]! + z[i]! * h);
          given.push(states[index]);
          break;
        }
        default:
          throw new Error(`no meaning of ${layer.kind} here`);
      }
    }
    return given.at(-1)!;
  });
}

const functions: Record<string, (x: number) => number> = {
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  relu: (x) => Math.max(x, 0),
  identity: (x) => x,
};
