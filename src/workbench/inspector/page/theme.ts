export type ThemeChoice = 'auto' | 'light' | 'dark';

/** Light, dark or the system's setting; stored in this browser. */
export interface Theme {
  choice(): ThemeChoice;
  choose(choice: ThemeChoice): void;
}

const KEY = 'trackbridge.theme';
const CHOICES: readonly ThemeChoice[] = ['auto', 'light', 'dark'];

/** Applies the stored choice to the page's root element at once. */
export function createTheme(
  storage: Pick<Storage, 'getItem' | 'setItem'>,
  root: HTMLElement,
): Theme {
  let choice = CHOICES.find((each) => each === storage.getItem(KEY)) ?? 'auto';
  const apply = (): void => {
    root.dataset['theme'] = choice;
  };
  apply();
  return {
    choice: () => choice,
    choose(next) {
      choice = next;
      storage.setItem(KEY, next);
      apply();
    },
  };
}

/** Returns the next choice, for a button that cycles through all of them. */
export function nextTheme(choice: ThemeChoice): ThemeChoice {
  return CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? 'auto';
}
