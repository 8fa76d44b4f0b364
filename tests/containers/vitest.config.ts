import { defineConfig } from 'vitest/config';

/** Tests of the images, which need docker: `npm run test:containers`. */
export default defineConfig({
  test: {
    dir: import.meta.dirname,
    include: ['*.test.ts'],
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 60_000,
    hookTimeout: 900_000,
    teardownTimeout: 180_000,
    // What did not start at all makes the rest meaningless.
    bail: 1,
  },
});
