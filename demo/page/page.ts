import { showCode } from './code.js';
import { find, messageOf } from './dom.js';

interface Panel {
  /** Fills the panel's stage. What it throws is shown in the panel. */
  open(section: HTMLElement): Promise<void>;
}

/** By the name in the section's id. A panel's code comes when the panel is near. */
const panels: Record<string, () => Promise<Panel>> = {
  blocks: () => import('./panels/blocks.js'),
  write: () => import('./panels/write.js'),
  speak: () => import('./panels/speak.js'),
  move: () => import('./panels/move.js'),
};

const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !(target instanceof HTMLElement)) continue;
      observer.unobserve(target);
      void openPanel(target);
    }
  },
  { rootMargin: '400px' },
);
for (const section of document.querySelectorAll<HTMLElement>('.panel')) {
  observer.observe(section);
  const details = find('.code', HTMLDetailsElement, section);
  details.addEventListener('toggle', () => void fillCode(details, nameOf(section)), { once: true });
}
find('#isolation', HTMLElement).textContent = globalThis.crossOriginIsolated
  ? `This page is cross-origin isolated: models may use all ${navigator.hardwareConcurrency} threads of this machine.`
  : 'This page is served without the isolation headers: everything here runs on one thread.';

async function openPanel(section: HTMLElement): Promise<void> {
  const stage = find('.stage', HTMLElement, section);
  stage.setAttribute('aria-busy', 'true');
  try {
    const panel = await panels[nameOf(section)]?.();
    await panel?.open(section);
  } catch (error) {
    const note = document.createElement('p');
    note.className = 'error';
    note.setAttribute('role', 'alert');
    note.textContent = `This did not work: ${messageOf(error)}`;
    stage.append(note);
    console.error(error);
  }
  stage.removeAttribute('aria-busy');
}

/** Shows the file that the panel itself runs. */
async function fillCode(details: HTMLDetailsElement, name: string): Promise<void> {
  const code = find('code', HTMLElement, details);
  try {
    const response = await fetch(`./snippets/${name}.js`);
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    showCode(code, await response.text());
  } catch (error) {
    code.textContent = `The code could not be loaded: ${messageOf(error)}`;
  }
}

function nameOf(section: HTMLElement): string {
  return section.id.replace('panel-', '');
}
