/**
 * Makes a canvas as fine as the screen, whenever its size changes, and has it drawn anew.
 * @param draw gets a context whose unit is a CSS pixel, and the size in these
 * @returns a function that asks for a drawing; it happens once, at the next frame of the screen
 */
export function fitCanvas(
  canvas: HTMLCanvasElement,
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void,
): () => void {
  const context = canvas.getContext('2d');
  if (context === null) throw new Error('This browser does not draw on a canvas.');
  let isAsked = false;
  const paint = () => {
    isAsked = false;
    const { clientWidth, clientHeight } = canvas;
    if (clientWidth === 0) return;
    const ratio = Math.min(3, devicePixelRatio);
    const width = Math.round(clientWidth * ratio);
    const height = Math.round(clientHeight * ratio);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    draw(context, clientWidth, clientHeight);
  };
  const ask = () => {
    if (!isAsked) requestAnimationFrame(paint);
    isAsked = true;
  };
  new ResizeObserver(ask).observe(canvas);
  return ask;
}
