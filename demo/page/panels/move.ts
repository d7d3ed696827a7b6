/** Nothing yet but its heading. */
export async function open(_section: HTMLElement): Promise<void> {}
