import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "services/*/src/**/*.test.ts",
      "scripts/**/*.test.ts",
      "bench/**/*.test.ts",
      "test/**/*.test.ts",
    ],
    // One PostgreSQL for the whole run.
    globalSetup: "packages/testing/src/global-setup.ts",
    // A test that asserts nothing passes whatever happens.
    expect: { requireAssertions: true },
    // Tests wait more than they compute: one more at once than the two cores that we have everywhere.
    maxWorkers: 3,
    testTimeout: 15_000,
    hookTimeout: 60_000,
  },
});
