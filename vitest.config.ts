import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          // Nothing here touches Docker or the network, so the files may share threads and module state.
          name: 'unit',
          include: [
            'packages/*/src/**/*.test.ts',
            'tests/tidy.test.ts',
            'tests/tidy/**/*.test.ts',
            'scripts/**/*.test.ts',
          ],
          pool: 'threads',
          isolate: false,
          // No test measures time; the bounds find what hangs, on a busy machine as well.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          // Whole clusters with real containers: one file at a time, each in a process of its own.
          name: 'e2e',
          include: ['tests/{e2e,scenarios,chaos}/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          // The dashboard in a real browser, on clusters as above.
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
