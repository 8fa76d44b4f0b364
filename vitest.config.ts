import { configDefaults, defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{packages,services,tools,tests}/**/*.test.ts'],
    // Those need a cluster, or docker: `npm run test:cluster`, `npm run test:containers`.
    exclude: [...configDefaults.exclude, 'tests/cluster/**', 'tests/containers/**'],
    // The real stores of the run, started when the first test file asks for them.
    globalSetup: ['packages/testkit/src/stores-host.ts'],
    // Fails a test file that leaves a connection or a process behind.
    setupFiles: ['packages/testkit/src/leaks.ts'],
    // Conditions are waited for as long as a busy machine may need.
    expect: { poll: { timeout: 10_000 } },
    testTimeout: 30_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
  },
});
