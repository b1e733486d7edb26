import { type Node, parseSync, Visitor } from 'oxc-parser';

/** One small fault in a source file: the text from `start` to `end` becomes `replacement`. */
export interface Mutant {
  /** The range of a whole expression or statement. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** The kind of fault, such as `boundary`. */
  readonly kind: string;
  readonly isStatement: boolean;
}

export interface Parsed {
  /** In the order of their places. */
  readonly mutants: readonly Mutant[];
  /** The bodies of all loops. */
  readonly loops: readonly { readonly start: number; readonly end: number }[];
}

const BINARY: Readonly<Record<string, readonly [kind: string, replacement: string]>> = {
  '<': ['boundary', '<='],
  '<=': ['boundary', '<'],
  '>': ['boundary', '>='],
  '>=': ['boundary', '>'],
  '===': ['equality', '!=='],
  '!==': ['equality', '==='],
  '+': ['arithmetic', '-'],
  '-': ['arithmetic', '+'],
  '*': ['arithmetic', '/'],
  '/': ['arithmetic', '*'],
  '%': ['arithmetic', '*'],
};
const LOGICAL: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' };
const ASSIGNMENT: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=' };
/** A map, since a callee may be called `toString`. */
const METHODS: ReadonlyMap<string, string> = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
]);

/** Names of encodings that are the default, so that the empty text means the same. */
const DEFAULTS: ReadonlySet<string> = new Set(['utf8', 'utf-8']);

/** Whether a text is written for people, such as an error. */
const isProse = (text: string): boolean => text === '' || /\s/.test(text);

/** Lists the mutants of a module. Throws a SyntaxError if the text is no module. */
export function mutantsOf(path: string, text: string): Parsed {
  const { program, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new SyntaxError(`${path}: ${errors[0].message}`);
  const mutants: Mutant[] = [];
  const loops: { start: number; end: number }[] = [];
  const skipped: Node[] = [];
  const chains: Node[] = [];

  const source = (node: Node): string => text.slice(node.start, node.end);
  const add = (node: Node, kind: string, replacement: string): void => {
    mutants.push({ start: node.start, end: node.end, kind, replacement, isStatement: false });
  };
  const remove = (node: Node): void => {
    const { start, end } = node;
    mutants.push({ start, end, kind: 'statement', replacement: '', isStatement: true });
  };
  /** Replaces the first `from` between two parts of a node. */
  const swap = (node: Node, after: number, kind: string, from: string, to: string): void => {
    const at = text.indexOf(from, after);
    const rest = text.slice(at + from.length, node.end);
    add(node, kind, text.slice(node.start, at) + to + rest);
  };
  const condition = ({ test }: { test: Node | null }): void => {
    if (test === null) return;
    add(test, 'condition', 'true');
    add(test, 'condition', 'false');
  };
  const skip = (node: Node | null): void => {
    if (node !== null) skipped.push(node);
  };
  const loop = ({ body }: { body: Node }): void => {
    loops.push({ start: body.start, end: body.end });
  };
  const isText = (node: Node): boolean =>
    node.type === 'TemplateLiteral' || /^['"`]/.test(source(node));

  new Visitor({
    ImportDeclaration: skip,
    ExportAllDeclaration: skip,
    TSTypeAliasDeclaration: skip,
    TSInterfaceDeclaration: skip,
    TSTypeAnnotation: skip,
    TSTypeParameterDeclaration: skip,
    TSTypeParameterInstantiation: skip,
    TSAsExpression: (node) => skip(node.typeAnnotation),
    TSSatisfiesExpression: (node) => skip(node.typeAnnotation),
    ChainExpression: (node) => void chains.push(node),
    Property: (node) => (node.computed ? undefined : skip(node.key)),
    PropertyDefinition: (node) => (node.computed ? undefined : skip(node.key)),
    MethodDefinition: (node) => (node.computed ? undefined : skip(node.key)),
    BinaryExpression(node) {
      const [kind, to] = BINARY[node.operator] ?? [];
      if (kind === undefined || to === undefined) return;
      if (node.operator === '+' && (isText(node.left) || isText(node.right))) return;
      swap(node, node.left.end, kind, node.operator, to);
    },
    LogicalExpression(node) {
      const to = LOGICAL[node.operator];
      if (to === undefined) add(node, 'default', source(node.left));
      else swap(node, node.left.end, 'logic', node.operator, to);
    },
    AssignmentExpression(node) {
      const to = ASSIGNMENT[node.operator];
      if (to !== undefined) swap(node, node.left.end, 'arithmetic', node.operator, to);
    },
    UpdateExpression(node) {
      const to = node.operator === '++' ? '--' : '++';
      const argument = source(node.argument);
      add(node, 'arithmetic', node.prefix ? to + argument : argument + to);
    },
    UnaryExpression(node) {
      if (node.operator === '!') add(node, 'negation', source(node.argument));
    },
    IfStatement: condition,
    ConditionalExpression: condition,
    WhileStatement(node) {
      loop(node);
      add(node.test, 'condition', 'false');
    },
    DoWhileStatement: loop,
    ForStatement: loop,
    ForOfStatement: loop,
    ForInStatement: loop,
    ExpressionStatement(node) {
      if (node.expression.type !== 'Literal' && !source(node).startsWith('super(')) remove(node);
    },
    ReturnStatement(node) {
      if (node.argument === null) remove(node);
    },
    BreakStatement: remove,
    ContinueStatement: remove,
    AwaitExpression: (node) => add(node, 'await', source(node.argument)),
    Literal(node) {
      const { value } = node;
      if (typeof value === 'number') add(node, 'number', String(value + 1));
      if (typeof value === 'boolean') add(node, 'boolean', String(!value));
      if (typeof value !== 'string' || isProse(value) || DEFAULTS.has(value)) return;
      add(node, 'string', "''");
    },
    CallExpression(node) {
      const { callee } = node;
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return;
      const { name } = callee.property;
      const to = METHODS.get(name);
      if (to !== undefined) swap(node, callee.object.end, 'method', name, to);
    },
  }).visit(program);

  const within = (inner: Mutant, outer: Node): boolean =>
    outer.start <= inner.start && inner.end <= outer.end;
  // A part of an optional chain cannot be wrapped: the chain would end there.
  const breaksChain = (one: Mutant): boolean =>
    chains.some((chain) => chain.start === one.start && one.end < chain.end);
  return {
    mutants: mutants
      .filter((one) => !skipped.some((node) => within(one, node)) && !breaksChain(one))
      .sort((one, other) => one.start - other.start || other.end - one.end),
    loops,
  };
}
