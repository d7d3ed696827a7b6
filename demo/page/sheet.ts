/** Adds a style sheet to the page, once; done when it has come, or could not. */
export function addSheet(href: string): Promise<void> {
  const known = document.querySelector(`link[href="${href}"]`);
  if (known !== null) return Promise.resolve();
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  const done = new Promise<void>((resolve) => {
    // Without its style a panel still works.
    link.onload = link.onerror = () => resolve();
  });
  document.head.append(link);
  return done;
}
