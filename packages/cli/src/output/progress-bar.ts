import type { Output } from './output.ts';

export interface ProgressBar {
  show(what: string, share: number): void;
  clear(): void;
}

const CELLS = 30;
/** Often enough to look alive. */
const PAUSE_MS = 100;

/** One line beside the result that is written over again; nothing at all unless a terminal shows it. */
export function progressBar(out: Output): ProgressBar {
  if (!out.isTerminal) return { show() {}, clear() {} };
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show(what, share) {
      const now = performance.now();
      if (now - shownAt < PAUSE_MS) return;
      shownAt = now;
      const full = Math.round(Math.min(1, Math.max(0, share)) * CELLS);
      const bar = '#'.repeat(full) + '.'.repeat(CELLS - full);
      out.error(`\r\u001b[K[${bar}] ${String(Math.floor(share * 100)).padStart(3)} % ${what}`);
    },
    clear() {
      if (shownAt > Number.NEGATIVE_INFINITY) out.error('\r\u001b[K');
    },
  };
}
