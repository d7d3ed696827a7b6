const mostLines = 300;

/** Where the text stands: one paragraph for a line, names of speakers in the accent's colour. */
export class Paper {
  readonly #element: HTMLElement;
  #line = document.createElement('p');
  #text = '';
  #afterBlank = true;

  constructor(element: HTMLElement) {
    this.#element = element;
    this.clear();
  }

  clear(): void {
    this.#element.replaceChildren();
    this.#text = '';
    this.#newLine();
  }

  write(text: string): void {
    const { scrollHeight, scrollTop, clientHeight } = this.#element;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < 60;
    const [first = '', ...others] = text.split('\n');
    this.#append(first);
    for (const part of others) {
      this.#newLine();
      this.#append(part);
    }
    while (this.#element.childElementCount > mostLines) this.#element.firstElementChild?.remove();
    // Whoever scrolls up wants to read.
    if (isAtEnd) this.#element.scrollTop = this.#element.scrollHeight;
    this.#element.classList.toggle('long', this.#element.scrollTop > 0);
  }

  #append(text: string): void {
    this.#text += text;
    this.#line.textContent = this.#text;
    const isName = /^[A-Z0-9][A-Z '-]+:?$|^[\w '-]{2,30}:$/.test(this.#text);
    this.#line.classList.toggle('speaker', isName && this.#afterBlank);
  }

  #newLine(): void {
    this.#line.classList.remove('last');
    this.#afterBlank = this.#text === '';
    this.#line = document.createElement('p');
    this.#line.className = 'last';
    this.#text = '';
    this.#element.append(this.#line);
  }
}
