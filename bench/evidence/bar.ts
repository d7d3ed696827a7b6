const width = 24;
const pause = 100;

/** How far everything is: on a terminal one line that is written over, elsewhere a line for each thing done. */
export class Bar {
  readonly #out: NodeJS.WriteStream;
  #last = 0;

  constructor(out: NodeJS.WriteStream = process.stderr) {
    this.#out = out;
  }

  /** @param share of all work, 0..1 */
  show(share: number, text: string): void {
    const now = performance.now();
    if (!this.#out.isTTY || now - this.#last < pause) return;
    this.#last = now;
    const full = Math.round(Math.min(share, 1) * width);
    const bar = `${'█'.repeat(full)}${'░'.repeat(width - full)} ${Math.floor(100 * Math.min(share, 1))} %`;
    this.#out.write(`\r\u001b[K${`${bar}  ${text}`.slice(0, (this.#out.columns ?? 120) - 1)}`);
  }

  /** A line that stays. */
  say(text: string): void {
    this.#out.write(this.#out.isTTY ? `\r\u001b[K${text}\n` : `${text}\n`);
  }
}

/** Seconds as 8 s, 1:05 or 2:00:00. */
export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => `${value}`.padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}:${two(whole % 60)}`;
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}
