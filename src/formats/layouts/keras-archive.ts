import { FormatError, MismatchError } from '../../base/errors.js';
import { show } from '../../base/guards.js';
import { isObject, type Json, parseJson } from '../json.js';
import { isZip, openZip, type ZipEntry } from '../zip.js';

/**
 * A .keras file: a zip archive of
 *
 *   config.json        what the model is
 *   metadata.json      { "keras_version": "3.…", … }
 *   model.weights.h5   its weights
 */

/** Whether the files of an archive are those of a .keras file. */
export function isKerasArchive(entries: ReadonlyMap<string, ZipEntry>): boolean {
  return entries.has('config.json') && entries.has('model.weights.h5');
}

/**
 * The config of a model: out of a .keras file, or the JSON of a config.json or of model.to_json().
 * @throws FormatError for broken JSON or a broken archive; MismatchError for an archive without a config
 */
export async function readKerasConfig(bytes: Uint8Array): Promise<Json> {
  if (!isZip(bytes)) return parse('the config', bytes);
  const entries = openZip(bytes);
  const config = await readEntry(entries, 'config.json');
  if (config === undefined)
    throw new MismatchError(
      `there is no config.json in the archive, only ${[...entries.keys()].slice(0, 5).map(show).join(', ')}.`,
    );
  if (!isObject(config) || config.keras_version !== undefined) return config;
  const metadata = await readEntry(entries, 'metadata.json');
  const version = metadata !== undefined && isObject(metadata) ? metadata.keras_version : undefined;
  return version === undefined ? config : { ...config, keras_version: version };
}

async function readEntry(entries: ReadonlyMap<string, ZipEntry>, name: string): Promise<Json | undefined> {
  const entry = entries.get(name);
  return entry === undefined ? undefined : parse(name, await entry.read());
}

function parse(what: string, bytes: Uint8Array): Json {
  return parseJson(
    new TextDecoder().decode(bytes),
    (problem, at) => new FormatError(`the JSON of ${what} is broken at character ${at}: ${problem}.`),
  );
}
