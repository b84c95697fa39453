import { IconButton } from '../components/button.tsx';
import { chooseTheme, type Theme, useTheme } from '../theme/theme.ts';

const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const ICON = { system: 'system', light: 'sun', dark: 'moon' } as const;

export function ThemeSwitch() {
  const theme = useTheme();
  return (
    <IconButton
      icon={ICON[theme]}
      label={`Theme: ${theme}. Change to ${NEXT[theme]}`}
      onClick={() => chooseTheme(NEXT[theme])}
      className="max-sm:hidden"
    />
  );
}
