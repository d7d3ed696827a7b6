import type { LoadOptions, Model, Session } from 'blockrnn';

export interface Writer {
  readonly model: Model & { readonly vocab: readonly number[] };
  readonly session: Session;
  /** byte → id */
  readonly ids: ReadonlyMap<number, number>;
  /** reads a byte that the model knows */
  read(byte: number): void;
  /** the next character, drawn; only after a byte was read */
  write(temperature: number): string;
}

export function openWriter(url: string, options?: LoadOptions): Promise<Writer>;
