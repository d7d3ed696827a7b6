const pattern =
  /(\/\*[\s\S]*?\*\/|\/\/.*)|('[^'\n]*'|`[^`]*`)|\b(import|from|export|async|await|function|const|let|return|new|for|of|if|else|class|extends|super|this)\b/g;
const kinds = ['comment', 'string', 'word'] as const;

/** Shows a program, with its comments, texts and words of the language told apart. */
export function showCode(element: HTMLElement, source: string): void {
  element.replaceChildren();
  let at = 0;
  for (const match of source.matchAll(pattern)) {
    element.append(source.slice(at, match.index));
    const span = document.createElement('span');
    span.className = kinds[match.slice(1).findIndex((group) => group !== undefined)] ?? '';
    span.textContent = match[0];
    element.append(span);
    at = match.index + match[0].length;
  }
  element.append(source.slice(at).trimEnd());
}
