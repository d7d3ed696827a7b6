/** Sound out of a file: one channel. */
export interface Wav {
  /** samples per second */
  rate: number;
  /** within [-1, 1) */
  samples: Float32Array;
}

/** A file that is no WAV, or one of another kind than is read. */
export class WavError extends Error {
  override readonly name = 'WavError';
}

const mostRate = 384_000;

/**
 * Reads 16-bit PCM, one channel (RIFF WAVE; Microsoft and IBM, Multimedia Programming Interface, 1991). Chunks that
 * it does not know are stepped over; a last chunk that says to be longer than the file is broken.
 * @throws WavError saying at which byte what is wrong
 */
export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = (at: number) => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 12 || name(0) !== 'RIFF' || name(8) !== 'WAVE')
    throw new WavError('the file does not begin with RIFF and WAVE: it is no WAV.');
  let rate = 0;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    const start = at + 8;
    if (size > bytes.length - start)
      throw new WavError(
        `byte ${at}: a chunk of ${size} bytes, but the file ends ${bytes.length - start} later.`,
      );
    if (name(at) === 'fmt ') rate = readFormat(view, start, size);
    if (name(at) === 'data') {
      if (rate === 0) throw new WavError(`byte ${at}: the sound comes before its format.`);
      if (size % 2 !== 0) throw new WavError(`byte ${at}: ${size} bytes are no whole number of samples.`);
      const samples = new Float32Array(size / 2);
      for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(start + 2 * i, true) / 32768;
      return { rate, samples };
    }
    // Chunks begin at even bytes.
    at = start + size + (size % 2);
  }
  throw new WavError('there is no sound in the file: it has no chunk "data".');
}

function readFormat(view: DataView, start: number, size: number): number {
  if (size < 16) throw new WavError(`byte ${start}: a format has at least 16 bytes, this one ${size}.`);
  const kind = view.getUint16(start, true);
  const channels = view.getUint16(start + 2, true);
  const rate = view.getUint32(start + 4, true);
  const bits = view.getUint16(start + 14, true);
  if (kind !== 1 || channels !== 1 || bits !== 16) {
    const found = `format ${kind}, ${channels} channels, ${bits} bits`;
    throw new WavError(`byte ${start}: ${found}; only PCM (format 1) of one channel and 16 bits is read.`);
  }
  if (rate === 0 || rate > mostRate)
    throw new WavError(`byte ${start + 4}: ${rate} samples per second; it must be within 1..${mostRate}.`);
  return rate;
}
