import { useOf } from './ai.ts';
import type { ScoringPolicy } from './policy.ts';

/**
 * Packs as tightly as it can: score = use of the worker's fullest resource + ½ · mean use of all, with the task on it.
 * Its order is its own as well: large tasks first, then small ones into the gaps, then the rest (`largest-first`).
 */
export const aiAggressive: ScoringPolicy = {
  kind: 'scoring',
  name: 'ai-aggressive',
  version: 1,
  ordering: 'largest-first',
  summary: 'Fills workers to the brim: large tasks first, small ones into the gaps, then the rest.',
  source: 'The multi-pass bin packing `ai_aggressive` of earlier editions of CloudAI',
  prepare: (table) => ({
    spreads: false,
    ceiling: null,
    score({ request }, rows, count, scores) {
      for (let at = 0; at < count; at++) {
        const { mean, most } = useOf(table, rows[at]!, request);
        scores[at] = most + mean / 2;
      }
    },
    parts({ request }, row) {
      const { mean, most } = useOf(table, row, request);
      return { fullest: most, mean };
    },
  }),
};
