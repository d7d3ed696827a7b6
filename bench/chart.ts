import type { LstmResult } from './lstm.js';
import type { LstmResults } from './table.js';

const width = 720;
const left = 190;
const right = 70;
const barHeight = 15;
const gap = 9;
const top = 74;

/** How many times faster than onnxruntime-web, 8 blocks, one thread: bars, on a logarithmic axis. */
export function drawChart([first]: LstmResults): string {
  const { machine, runtime, date } = first!;
  const results = first!.results.filter(
    ({ blocks, batch, steps }) => blocks === 8 && (batch === 1 || steps === 50),
  );
  const most = Math.max(...results.map((result) => Math.max(...speedups(result))));
  const scale = (value: number) => (Math.log(Math.max(value, 1)) / Math.log(most)) * (width - left - right);
  const height = top + results.length * (2 * barHeight + gap) + 30;
  const parts = results.flatMap((result, i) => {
    const y = top + i * (2 * barHeight + gap);
    const { hidden, steps, batch } = result;
    const what = steps === 1 ? 'one step' : `T ${steps}, B ${batch}`;
    const label = `<text x="${left - 12}" y="${y + barHeight + 4}" text-anchor="end">H ${hidden}, ${what}</text>`;
    const bars = speedups(result).map((value, k) => {
      const at = y + k * barHeight;
      const size = Math.max(1, scale(value));
      return (
        `<rect class="${k === 0 ? 'relaxed' : 'plain'}" x="${left}" y="${at}" width="${size.toFixed(1)}" ` +
        `height="${barHeight - 2}" rx="2"/><text class="value" x="${(left + size + 6).toFixed(1)}" ` +
        `y="${at + barHeight - 4}">${value.toFixed(value < 10 ? 2 : 0)}×</text>`
      );
    });
    return [label, ...bars];
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Times faster than onnxruntime-web">
<style>
  svg { background: #fff; font: 13px system-ui, sans-serif; fill: #222; }
  .title { font-size: 17px; font-weight: 600; }
  .value { font-size: 11px; }
  .note { font-size: 11px; fill: #666; }
  .relaxed { fill: #3b6fd4; }
  .plain { fill: #a9c3f0; }
  line { stroke: #888; }
</style>
<text class="title" x="20" y="28">Times faster than onnxruntime-web</text>
<text x="20" y="50">LSTM in 8 blocks, one thread, same weights.</text>
<rect class="relaxed" x="330" y="40" width="12" height="12" rx="2"/><text x="347" y="50">fused multiply-add</text>
<rect class="plain" x="480" y="40" width="12" height="12" rx="2"/><text x="497" y="50">plain SIMD</text>
<line x1="${left}" y1="${top - 6}" x2="${left}" y2="${height - 26}"/>
${parts.join('\n')}
<text class="note" x="20" y="${height - 8}">${machine}; ${runtime}; ${date}. Logarithmic scale from 1.</text>
</svg>
`;
}

function speedups({ times }: LstmResult): [number, number] {
  const web = times['onnxruntime-web']!.best;
  const plain = times['blockrnn simd']!.best;
  return [web / (times['blockrnn relaxed'] ?? times['blockrnn simd']!).best, web / plain];
}
