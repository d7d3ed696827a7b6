/** Files made by hand from the formats' definitions, without the package's own writers. */

/** A safetensors file of a header text and data. `claim` overrides the length that the file states. */
export function safetensorsOf(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  claim?: bigint,
): Uint8Array {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, claim ?? BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

export interface Stored {
  dtype?: string;
  shape: number[];
  bytes: Uint8Array;
}

/** Little-endian f32, value by value. */
export function f32Bytes(values: ArrayLike<number>): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (let i = 0; i < values.length; i++) view.setFloat32(i * 4, values[i]!, true);
  return new Uint8Array(view.buffer);
}

/** A safetensors file with these tensors one after the other. */
export function stateDict(tensors: Record<string, Stored>, metadata?: Record<string, string>): Uint8Array {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  const parts: number[] = [];
  for (const [name, { dtype = 'F32', shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [parts.length, parts.length + bytes.length] };
    for (const byte of bytes) parts.push(byte);
  }
  return safetensorsOf(JSON.stringify(header), Uint8Array.from(parts));
}

/** Values that differ from each other and from zero, exact in f16: 1/8, 2/8, … */
export function ramp(shape: readonly number[], from = 1): Stored {
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape: [...shape], bytes: f32Bytes(Array.from({ length: count }, (_, i) => (from + i) / 8)) };
}

/** The tensors of a torch.nn LSTM, GRU or RNN (gates 4, 3, 1) under a prefix ('rnn.' or ''). */
export function recurrent(
  prefix: string,
  gates: number,
  inputSize: number,
  hiddenSize: number,
  { layers = 1, bias = true } = {},
): Record<string, Stored> {
  const tensors: Record<string, Stored> = {};
  const rows = gates * hiddenSize;
  for (let l = 0; l < layers; l++) {
    tensors[`${prefix}weight_ih_l${l}`] = ramp([rows, l === 0 ? inputSize : hiddenSize], 1000 * l + 1);
    tensors[`${prefix}weight_hh_l${l}`] = ramp([rows, hiddenSize], 1000 * l + 200);
    if (!bias) continue;
    tensors[`${prefix}bias_ih_l${l}`] = ramp([rows], 1000 * l + 400);
    tensors[`${prefix}bias_hh_l${l}`] = ramp([rows], 1000 * l + 500);
  }
  return tensors;
}

/** What a call throws; fails the test when it throws nothing. */
export function errorOf(
  call: () => unknown,
): Error & { code?: string; offset?: number; tensor?: string; feature?: string } {
  try {
    call();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
