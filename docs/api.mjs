/**
 * Writes docs/api/*.md, the API reference, from the docstrings in dist/*.d.ts.
 *
 *   npm run docs
 *
 * A generator of its own: TypeDoc's pages are five times as long, most of it headings, and what Error inherits.
 */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('..', import.meta.url));
const repository = '../..';

/** What can be imported, from where, and where its declarations are. */
const doors = [
  {
    file: 'blockrnn.md',
    entry: 'blockrnn',
    types: 'dist/node.d.ts',
    about:
      'Loads and runs models. The names are the same in every runtime. In Node, Deno and Bun a source that is a string is a ' +
      'path, and threads are worker threads; in a browser it is a URL, and they are web workers.',
  },
  {
    file: 'train.md',
    entry: 'blockrnn/train',
    types: 'dist/train-node.d.ts',
    about:
      'Trains them. The error classes are those of `blockrnn`. A guide is in [training](../training.md).',
  },
  {
    file: 'worklet.md',
    entry: 'blockrnn/worklet',
    types: 'dist/worklet.d.ts',
    about:
      'Steps a model in an audio worklet, or in any other thread. A guide is in [worklets](../worklets.md).',
  },
];

/** @typedef {{ name: string, symbol: ts.Symbol, declaration: ts.Declaration, isExported: boolean }} Entry */

/**
 * The pages by their names, and what in them has no docstring.
 * @returns {{ pages: Map<string, string>, bare: string[] }}
 */
export function renderApi() {
  const program = ts.createProgram(
    doors.map(({ types }) => join(root, types)),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      lib: ['lib.es2024.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
      types: [],
      strict: true,
      skipLibCheck: true,
    },
  );
  const checker = program.getTypeChecker();
  const pages = new Map();
  /** @type {string[]} */
  const bare = [];
  /** Where a name is described; the first door that has it. @type {Map<ts.Symbol, string>} */
  const places = new Map();
  const parts = doors.map((door) => {
    const source = program.getSourceFile(join(root, door.types));
    if (source === undefined) throw new Error(`${door.types} is missing; run npm run build first.`);
    const module = checker.getSymbolAtLocation(source);
    const entries = listEntries(checker, module);
    const own = entries.filter(({ symbol }) => !places.has(symbol));
    for (const { name, symbol } of own) places.set(symbol, `${door.file}#${anchorOf(name)}`);
    return { door, entries, own };
  });
  for (const { door, entries, own } of parts) {
    const writer = new Page(checker, door.file, places, (name) => bare.push(`${door.entry}: ${name}`));
    pages.set(door.file, writer.write(door, entries, own));
  }
  pages.set('README.md', writeIndex(parts));
  return { pages, bare };
}

/**
 * Everything that a module exports, and what the declarations of types that it exports are made of without a name.
 * @param {ts.TypeChecker} checker
 * @param {ts.Symbol} module
 * @returns {Entry[]}
 */
function listEntries(checker, module) {
  const resolve = (/** @type {ts.Symbol} */ symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  /** @type {Map<ts.Symbol, Entry>} */
  const entries = new Map();
  const add = (
    /** @type {ts.Symbol} */ symbol,
    /** @type {string} */ name,
    /** @type {boolean} */ isExported,
  ) => {
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined || entries.has(symbol)) return;
    entries.set(symbol, { name, symbol, declaration, isExported });
  };
  for (const symbol of checker.getExportsOfModule(module)) add(resolve(symbol), symbol.name, true);
  for (const { declaration } of entries.values()) {
    if (!ts.isTypeAliasDeclaration(declaration)) continue;
    visit(declaration.type, (node) => {
      if (!ts.isTypeReferenceNode(node)) return;
      const symbol = resolve(checker.getSymbolAtLocation(node.typeName));
      const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? '';
      if (isOurs(file) && !(symbol.flags & ts.SymbolFlags.TypeParameter)) add(symbol, symbol.name, false);
    });
  }
  return [...entries.values()];
}

function visit(node, use) {
  use(node);
  ts.forEachChild(node, (child) => visit(child, use));
}

function isOurs(path) {
  return !relative(root, path).startsWith('..') && !path.includes('node_modules');
}

function anchorOf(name) {
  return name.toLowerCase().replace(/[^\w -]/g, '');
}

/** One door's page. */
class Page {
  #lines = [];

  constructor(checker, file, places, complain) {
    this.checker = checker;
    this.file = file;
    this.places = places;
    this.complain = complain;
  }

  write({ entry, about }, entries, own) {
    this.#lines = ['<!-- Made by npm run docs from the docstrings in src. -->', `# ${entry}`, '', about, ''];
    const kinds = [
      ['Functions', ts.isFunctionDeclaration],
      ['Classes', ts.isClassDeclaration],
      ['Types', (node) => ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)],
    ];
    const sorted = own.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    for (const [title, isKind] of kinds) {
      const some = sorted.filter(({ declaration }) => isKind(declaration));
      if (some.length === 0) continue;
      this.#lines.push(`## ${title}`, '');
      for (const one of some) this.#writeEntry(one);
    }
    const others = entries.filter(({ symbol }) => !own.some((one) => one.symbol === symbol));
    if (others.length > 0) {
      const links = others.map(({ name, symbol }) => this.#link(name, symbol)).sort();
      this.#lines.push('## Described elsewhere', '', links.join(' · '), '');
    }
    return `${this.#lines.join('\n').trimEnd()}\n`;
  }

  #link(name, symbol) {
    const place = this.places.get(symbol);
    return place === undefined ? `\`${name}\`` : `[${name}](${place.replace(this.file, '')})`;
  }

  #writeEntry({ name, symbol, declaration, isExported }) {
    this.#lines.push(`### ${name}`, '');
    if (!isExported) this.#lines.push('Has no name outside: part of the types above and below.', '');
    const overloads = symbol.declarations.filter(ts.isFunctionDeclaration);
    const shown = overloads.length > 0 ? overloads : [declaration];
    this.#lines.push('```ts', ...shown.map((node) => this.#signature(node)), '```', '');
    this.#writeDoc(shown[0], name);
    this.#writeMentions(shown, symbol);
    if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
      this.#writeMembers(declaration, symbol, name);
    }
    this.#lines.push(`Source: [${sourceOf(declaration)}](${repository}/${sourceOf(declaration)})`, '');
  }

  /** A declaration in one line, or as it stands where that would be too long. */
  #signature(node) {
    if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)) {
      const word = ts.isClassDeclaration(node) ? 'class' : 'interface';
      const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`);
      return `${word} ${node.name.text}${heritage.join('')}`;
    }
    return tidy(node.getText())
      .replace(/^export /, '')
      .replace(/^declare /, '');
  }

  /** Links to the types of this package that a signature names. */
  #writeMentions(nodes, self) {
    const found = new Map();
    for (const node of nodes) {
      const parts = node.members === undefined ? [node] : (node.heritageClauses ?? []);
      for (const part of parts) {
        visit(part, (child) => {
          if (!ts.isIdentifier(child)) return;
          let symbol = this.checker.getSymbolAtLocation(child);
          if (symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias)
            symbol = this.checker.getAliasedSymbol(symbol);
          if (symbol !== undefined && symbol !== self && this.places.has(symbol))
            found.set(symbol, this.#link(child.text, symbol));
        });
      }
    }
    if (found.size > 0) this.#lines.push(`See ${[...found.values()].join(', ')}.`, '');
  }

  #writeMembers(declaration, symbol, owner) {
    const members = this.#membersOf(declaration, symbol);
    const fields = members.filter(({ node }) => !isMethod(node));
    for (const { name, node } of fields) {
      const { text } = docOf(node);
      if (text === '' && !isPlain(node)) this.complain(`${owner}.${name}`);
      const mark = node.questionToken === undefined ? '' : '?';
      const type = tidy(this.#typeOf(node));
      this.#lines.push(`- **\`${name}${mark}\`** \`${type}\`${text === '' ? '' : `: ${oneLine(text)}`}`);
    }
    if (fields.length > 0) this.#lines.push('');
    for (const { name, node } of members.filter(({ node: member }) => isMethod(member))) {
      const title = ts.isConstructorDeclaration(node) ? `new ${owner}` : `${owner}.${name}`;
      this.#lines.push(`#### ${title}`, '', '```ts', tidy(node.getText()), '```', '');
      this.#writeDoc(node, `${owner}.${name}`);
    }
  }

  /** Its own members, and those of types that it extends and nobody can name. */
  #membersOf(declaration, symbol) {
    const members = [];
    for (const property of this.checker.getPropertiesOfType(this.checker.getDeclaredTypeOfSymbol(symbol))) {
      const node = property.declarations?.[0];
      if (node === undefined || !isOurs(node.getSourceFile().fileName)) continue;
      if (property.name.startsWith('__#') || ts.isPrivateIdentifier(node.name ?? node)) continue;
      if (ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')) continue;
      const parent = this.checker.getSymbolAtLocation(node.parent.name ?? node.parent);
      const isInherited = node.parent !== declaration && parent !== undefined && this.places.has(parent);
      if (!isInherited) members.push({ name: node.name.getText(), node });
    }
    return members;
  }

  #typeOf(node) {
    const text = node.type?.getText();
    if (text !== undefined && !text.includes('typeof ')) return text;
    const flags = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType;
    return this.checker.typeToString(this.checker.getTypeAtLocation(node), undefined, flags);
  }

  #writeDoc(node, name) {
    const { text, params, returns, throws } = docOf(node);
    if (text === '' && returns === '') this.complain(name);
    if (text !== '') this.#lines.push(paragraphs(text), '');
    for (const [param, about] of params) this.#lines.push(`- \`${param}\`: ${oneLine(about)}`);
    if (returns !== '') this.#lines.push(`- Returns ${oneLine(returns)}`);
    if (throws !== '') this.#lines.push(`- Throws ${oneLine(throws)}`);
    if (params.length > 0 || returns !== '' || throws !== '') this.#lines.push('');
  }
}

function isMethod(node) {
  return ts.isMethodDeclaration(node) || ts.isMethodSignature(node);
}

/** A field whose name and literal type say all: `kind: 'lstm'`. */
function isPlain(node) {
  return node.initializer !== undefined || (node.type !== undefined && ts.isLiteralTypeNode(node.type));
}

/** The docstring of a declaration in its parts. */
function docOf(node) {
  const doc = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
  const textOf = (comment) => (ts.getTextOfJSDocComment(comment) ?? '').trim();
  /** @type {[string, string][]} */
  const params = [];
  let returns = '';
  let throws = '';
  for (const tag of doc?.tags ?? []) {
    if (ts.isJSDocParameterTag(tag)) params.push([tag.name.getText(), textOf(tag.comment)]);
    else if (ts.isJSDocReturnTag(tag)) returns = textOf(tag.comment);
    // The compiler takes the first word for a type.
    else if (ts.isJSDocThrowsTag(tag))
      throws = tag
        .getText()
        .replace(/^@throws\s*/, '')
        .replace(/\s*\n\s*\*\s*/g, ' ');
  }
  return { text: textOf(doc?.comment), params, returns, throws: throws.replace(/[\s*]+$/, '') };
}

/** Markdown of a docstring: what is indented in it is a drawing or code. */
function paragraphs(text) {
  const parts = text.split(/\n\n+/).map((part) => {
    if (part.split('\n').every((line) => /^ {2,}/.test(line))) return `\`\`\`text\n${part}\n\`\`\``;
    return escapeMarkdown(part.replace(/\n(?![-*] )/g, ' '));
  });
  return parts.join('\n\n');
}

function oneLine(text) {
  return escapeMarkdown(text.replace(/\s*\n\s*/g, ' '));
}

/** Outside of code, what Markdown would take for its own. */
function escapeMarkdown(text) {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/[<*]/g, (mark) => (mark === '<' ? '&lt;' : '\\*'))))
    .join('');
}

/** A declaration without its comments, in one line where it is short. */
function tidy(text) {
  const code = text.replace(/\/\*\*[\s\S]*?\*\/\s*/g, '');
  const line = code.replace(/\s*\n\s*/g, ' ');
  return line.length <= 110 ? line : code.replace(/^ {4}(?=\S)/gm, '  ');
}

/** The file that a declaration was made of. */
function sourceOf(declaration) {
  const path = relative(root, declaration.getSourceFile().fileName).replaceAll('\\', '/');
  return path.replace(/^dist\//, 'src/').replace(/\.d\.ts$/, '.ts');
}

function writeIndex(parts) {
  const lines = [
    '<!-- Made by npm run docs from the docstrings in src. -->',
    '# API reference',
    '',
    'Shapes are row-major: the rightmost index changes fastest. The letters are those of the',
    "[README's table](../../README.md#shapes): T steps, B streams, I inputs, H hidden units, N blocks, D = H / N, G gates,",
    'O outputs.',
    '',
  ];
  for (const { door, own } of parts) {
    lines.push(`## [${door.entry}](${door.file})`, '', door.about, '', '| | |', '|---|---|');
    for (const { name, declaration } of own.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const { text, returns } = docOf(declaration);
      const first = /^[\s\S]*?[.:](?=\s|$)/.exec(text || returns)?.[0] ?? text;
      const summary = oneLine(first).replace(/:$/, '.').replaceAll('|', '\\|');
      lines.push(`| [${name}](${door.file}#${anchorOf(name)}) | ${summary} |`);
    }
    lines.push('');
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'api');
  const { pages, bare } = renderApi();
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) if (!pages.has(name)) await rm(join(folder, name));
  for (const [name, text] of pages) await writeFile(join(folder, name), text);
  for (const name of bare) console.warn(`no docstring: ${name}`);
}
