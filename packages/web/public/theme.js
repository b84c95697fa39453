// Runs before the first paint. `src/theme/theme.ts` is the other half.
try {
  const theme = localStorage.getItem('cloudai.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Storage is switched off: the system's theme it is.
}
