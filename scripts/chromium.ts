// Finds the Chromium that the browser tests drive, or installs Debian's where that needs nobody's help.
import fs from 'node:fs';
import { tryAptInstall, which } from './docker.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

export function findChromium(): string | undefined {
  const { CLOUDAI_TEST_CHROMIUM: chosen } = process.env;
  if (chosen !== undefined) return fs.existsSync(chosen) ? chosen : undefined;
  return NAMES.map((name) => which(name)).find((file) => file !== undefined);
}

/** Undefined when there is none and none could be installed. */
export async function ensureChromium(log: (line: string) => void): Promise<string | undefined> {
  const found = findChromium();
  if (found !== undefined || process.env.CLOUDAI_TEST_CHROMIUM !== undefined) return found;
  await tryAptInstall('chromium', log);
  return findChromium();
}
