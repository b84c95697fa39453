import type { OrderingPolicy } from '../ordering.ts';

/** In parts of the largest worker: what counts as large, and what fills gaps. */
const LARGE = 0.5;
const SMALL = 0.1;

/** Three passes in one: large tasks, the largest first; then small ones; then the rest, the largest first. */
export const largestFirst: OrderingPolicy = {
  name: 'largest-first',
  version: 1,
  summary: 'Large tasks first, then small ones into the gaps, then the rest.',
  source: 'First fit decreasing; D. S. Johnson, 1973; the multi-pass packing of earlier editions of CloudAI',
  heedsPriority: true,
  within: 'age',
  prepare: ({ largestShare }) => {
    // Relative to the largest worker, so that a task of half a machine is large in a cluster of any size.
    const unit = largestShare > 0 ? largestShare : 1;
    return (task) => {
      const size = task.dominantShare / unit;
      if (size >= LARGE) return -size;
      return size <= SMALL ? 1 + size : 3 - size;
    };
  },
};
