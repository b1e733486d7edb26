/** What the page uses of `htm/preact/standalone`, which the build puts beside it as preact.js. */

export interface VNode {
  readonly type: unknown;
  readonly props: unknown;
  readonly key: unknown;
}

/** The content of an element. Strings become text and are never parsed as HTML. */
export type Child = VNode | string | number | boolean | null | undefined | readonly Child[];

/** Creates elements from a tagged template. Use `h` for components, because it checks their props. */
export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): VNode;

export function h<Props extends object>(
  component: (props: Props) => Child,
  props: Props & { readonly key?: string | number },
): VNode;

export function render(tree: VNode, parent: Element): void;

export function useState<State>(
  initial: State | (() => State),
): [State, (next: State | ((before: State) => State)) => void];
export function useEffect(
  effect: () => (() => void) | undefined,
  inputs?: readonly unknown[],
): void;
export function useLayoutEffect(
  effect: () => (() => void) | undefined,
  inputs?: readonly unknown[],
): void;
export function useMemo<Value>(make: () => Value, inputs: readonly unknown[]): Value;
export function useRef<Value>(initial: Value): { current: Value };
