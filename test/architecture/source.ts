import { dirname, join } from 'node:path/posix';
import {
  type Argument,
  type Expression,
  type ImportDeclarationSpecifier,
  type MemberExpression,
  parseSync,
  Visitor,
} from 'oxc-parser';

/** One place in which a module names another. */
interface Import {
  /** The specifier as it was written; undefined if it is computed at run time. */
  readonly specifier: string | undefined;
  /** The importing module needs the other one only for its types. */
  readonly typeOnly: boolean;
}

/** What the rules need to know of one module. */
export interface Source {
  readonly imports: readonly Import[];
  /** Uses of time and timers, as they were written: `new Date()`, `setTimeout`. */
  readonly time: readonly string[];
  /** Whether the module reads `process.env`. */
  readonly readsEnvironment: boolean;
}

/** The global object, which changes nothing about what a name means. */
const GLOBAL = /^globalThis\./;

const TIMERS: ReadonlySet<string> = new Set(['setTimeout', 'setInterval', 'setImmediate']);
const READINGS: ReadonlySet<string> = new Set([
  'Date.now',
  'performance.now',
  'AbortSignal.timeout',
  'process.hrtime',
  'process.hrtime.bigint',
]);

/**
 * Reads a module's imports of every form (static, side effect, re-export, dynamic, type, and the URL of a worker) and its
 * uses of time. Throws a SyntaxError if the text is no module.
 */
export function readSource(path: string, text: string): Source {
  const { program, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new SyntaxError(`${path}: ${errors[0].message}`);
  const imports: Import[] = [];
  const time: string[] = [];
  let readsEnvironment = false;
  const add = (specifier: string | undefined, typeOnly = false): void => {
    imports.push({ specifier, typeOnly });
  };
  /** Notes a use of time: a call, or a function that gets another name or is passed on. */
  const use = (written: string | undefined): void => {
    const name = written?.replace(GLOBAL, '');
    if (name !== undefined && (TIMERS.has(name) || READINGS.has(name))) time.push(name);
  };
  new Visitor({
    ImportDeclaration(node) {
      add(node.source.value, node.importKind === 'type' || onlyTypes(node.specifiers));
      if (/^(node:)?timers/.test(node.source.value)) time.push(node.source.value);
      if (/^(node:)?process$/.test(node.source.value) && namesEnv(node.specifiers)) {
        readsEnvironment = true;
      }
    },
    ExportNamedDeclaration(node) {
      if (node.source !== null) add(node.source.value, node.exportKind === 'type');
    },
    ExportAllDeclaration(node) {
      add(node.source.value, node.exportKind === 'type');
    },
    ImportExpression(node) {
      add(literal(node.source));
    },
    TSImportType(node) {
      add(node.source.value, true);
    },
    NewExpression(node) {
      const name = nameOf(node.callee)?.replace(GLOBAL, '');
      if (name === 'Date' && node.arguments.length === 0) time.push('new Date()');
      const [first, second] = node.arguments;
      if (name === 'URL' && second !== undefined && nameOf(second) === 'import.meta.url') {
        const target = literal(first);
        if (target !== undefined && /\.(js|ts)$/.test(target)) add(target);
      }
    },
    CallExpression(node) {
      const name = nameOf(node.callee)?.replace(GLOBAL, '');
      for (const argument of node.arguments) use(nameOf(argument));
      use(name);
      if (name === 'require') add(literal(node.arguments[0]));
      if (name === 'Date') time.push('Date()');
    },
    MemberExpression(node) {
      if (nameOf(node)?.replace(GLOBAL, '') === 'process.env') readsEnvironment = true;
    },
    VariableDeclarator({ id, init }) {
      const name = init === null ? undefined : nameOf(init);
      use(name);
      if (name === undefined || id.type !== 'ObjectPattern') return;
      for (const property of id.properties) {
        if (property.type !== 'Property' || property.key.type !== 'Identifier') continue;
        use(`${name}.${property.key.name}`);
        if (`${name}.${property.key.name}` === 'process.env') readsEnvironment = true;
      }
    },
  }).visit(program);
  return { imports, time, readsEnvironment };
}

/** The path that a relative specifier of a module names, `.js` read as the `.ts` it was compiled from. */
export function resolveImport(from: string, specifier: string): string {
  return join(dirname(from), specifier).replace(/\.js$/, '.ts');
}

function onlyTypes(specifiers: readonly { readonly type: string }[]): boolean {
  return (
    specifiers.length > 0 &&
    specifiers.every((each) => 'importKind' in each && each.importKind === 'type')
  );
}

function namesEnv(specifiers: readonly ImportDeclarationSpecifier[]): boolean {
  return specifiers.some(
    (each) =>
      each.type === 'ImportSpecifier' &&
      each.imported.type === 'Identifier' &&
      each.imported.name === 'env',
  );
}

function literal(node: Argument | undefined): string | undefined {
  return node?.type === 'Literal' && typeof node.value === 'string' ? node.value : undefined;
}

/** A dotted name as it was written, such as `Date.now`; undefined for anything else. */
function nameOf(node: Expression | Argument): string | undefined {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'MetaProperty') return `${node.meta.name}.${node.property.name}`;
  if (node.type !== 'MemberExpression') return undefined;
  const property = node.computed ? literal(node.property as Expression) : keyOf(node.property);
  const object = nameOf(node.object);
  return object === undefined || property === undefined ? undefined : `${object}.${property}`;
}

function keyOf(property: MemberExpression['property']): string | undefined {
  return property.type === 'Identifier' ? property.name : undefined;
}
