/** What a WebAssembly binary declares, read from its bytes alone. */
export interface Binary {
  /** ids of its sections, without custom ones */
  sections: number[];
  imports: { module: string; name: string; kind: number }[];
  /** number of parameters and of results of each exported function */
  exports: Map<string, { params: number; results: number }>;
  /** whether each global is mutable */
  globals: boolean[];
  /** body of each exported function */
  bodies: Map<string, Uint8Array>;
}

export const section = {
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
};

/** The parts of the binary format that are needed (WebAssembly core specification, chapter 5). */
export function readBinary(bytes: Uint8Array): Binary {
  let at = 8;
  const byte = () => bytes[at++]!;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const next = byte();
      value += (next & 127) * scale;
      if (next < 128) return value;
    }
  };
  const take = (count: number) => bytes.subarray(at, (at += count));
  const text = () => new TextDecoder().decode(take(number()));
  const list = <T>(read: () => T) => Array.from({ length: number() }, read);
  const limits = () => {
    if (byte() & 1) number();
    number();
  };

  const binary: Binary = { sections: [], imports: [], exports: new Map(), globals: [], bodies: new Map() };
  let types: { params: number; results: number }[] = [];
  let functions: number[] = [];
  let exported: { name: string; index: number }[] = [];
  let code: Uint8Array[] = [];
  while (at < bytes.length) {
    const id = byte();
    const end = number() + at;
    if (id !== 0) binary.sections.push(id);
    if (id === section.type) {
      types = list(() => {
        byte();
        const params = list(byte).length;
        return { params, results: list(byte).length };
      });
    } else if (id === section.import) {
      binary.imports = list(() => {
        const entry = { module: text(), name: text(), kind: byte() };
        if (entry.kind === 2) limits();
        // Only memories are skipped rightly; anything else fails the test of the imports anyway.
        return entry;
      });
    } else if (id === section.function) {
      functions = list(number);
    } else if (id === section.global) {
      binary.globals = list(() => {
        byte();
        const mutable = byte() === 1;
        while (byte() !== 0x0b);
        return mutable;
      });
    } else if (id === section.export) {
      exported = list(() => ({ name: text(), kind: byte(), index: number() })).filter(
        ({ kind }) => kind === 0,
      );
    } else if (id === section.code) {
      code = list(() => take(number()));
    }
    at = end;
  }
  for (const { name, index } of exported) {
    binary.exports.set(name, types[functions[index]!]!);
    binary.bodies.set(name, code[index]!);
  }
  return binary;
}
