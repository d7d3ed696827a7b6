/**
 * The bytes of a binary out of its text, whose characters' low bytes they are (assembly/build.mjs). Node's own decoder
 * first: a loop is one of the first that run, and interpreted.
 */
export function decodeText(text: string): Uint8Array<ArrayBuffer> {
  const { Buffer } = globalThis as { Buffer?: { from(text: string, as: 'latin1'): Uint8Array<ArrayBuffer> } };
  if (Buffer !== undefined) return Buffer.from(text, 'latin1');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
