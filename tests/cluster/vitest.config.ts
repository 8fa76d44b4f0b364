import { defineConfig } from 'vitest/config';

/** Tests on the cluster of KUBECONFIG, one file after the other: `npm run test:cluster`. */
export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ['*.test.ts'],
    // Releases share the machine: one at a time.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 600_000,
    teardownTimeout: 180_000,
    // What was not ready at first makes the rest meaningless.
    bail: 1,
  },
});
