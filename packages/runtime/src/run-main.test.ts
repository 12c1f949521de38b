import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";

/** What a process says when it runs, and when it has drained: in a turn of its own, as lines of a log are written at the end of theirs. */
const RUNS = `async () => { say("runs"); return { close: drained }; }`;

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`49: ${signal} drains and exits 0`, async () => {
    const main = run(RUNS);
    await main.says("runs");
    main.child.kill(signal);
    expect(await main.exit).toBe(0);
    expect(main.out()).toMatch(/draining.*drained/s);
  });
}

for (const [first, second] of [
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGTERM"],
] as const) {
  test(`49: ${second} after ${first} exits 1 at once, however long the drain takes`, async () => {
    const main = run(
      `async () => { say("runs"); return { close: () => { say("drains"); return new Promise(() => {}); } }; }`,
    );
    await main.says("runs");
    main.child.kill(first);
    await main.says("drains");
    main.child.kill(second);
    expect(await main.exit).toBe(1);
  });
}

test("49: a drain that never ends is ended", async () => {
  const main = run(`async () => { say("runs"); return { close: () => new Promise(() => {}) }; }`, "{ limitMs: 10 }");
  await main.says("runs");
  main.child.kill("SIGTERM");
  expect(await main.exit).toBe(1);
});

test("a drain that fails is told and exits 1", async () => {
  const main = run(`async () => { say("runs"); return { close: () => Promise.reject(new Error("stuck")) }; }`);
  await main.says("runs");
  main.child.kill("SIGTERM");
  expect(await main.exit).toBe(1);
  expect(main.out()).toMatch(/stuck/);
});

for (const [what, error, lines] of [
  ["a StartError", `new StartError("port 8080 is in use")`, "test: port 8080 is in use\n"],
  ["a ConfigError", `new ConfigError("PORT is wrong\\nHOST is wrong")`, "test: PORT is wrong\ntest: HOST is wrong\n"],
] as const) {
  test(`${what} at the start is told in its own words and exits 1`, async () => {
    const main = run(`async () => { throw ${error}; }`);
    expect(await main.exit).toBe(1);
    expect(main.err()).toBe(lines);
    expect(main.out()).toBe("");
  });
}

test("any other error at the start is logged with its stack and exits 1", async () => {
  const main = run(`async () => { throw new TypeError("a bug"); }`);
  expect(await main.exit).toBe(1);
  expect(main.out()).toMatch(/the start failed/);
  expect(main.out()).toMatch(/TypeError: a bug\\n {4}at /);
});

for (const [what, fault] of [
  ["an uncaught exception", `setImmediate(() => { throw new Error("a bug"); })`],
  ["an unhandled rejection", `setImmediate(() => { Promise.reject(new Error("a bug")); })`],
] as const) {
  test(`${what} is logged with its stack, drains and exits 1`, async () => {
    const main = run(`async () => { ${fault}; return { close: drained }; }`);
    expect(await main.exit).toBe(1);
    expect(main.out()).toMatch(/a bug\\n {4}at .*drained/s);
  });

  test(`${what} during the start exits 1`, async () => {
    const main = run(`async () => { ${fault}; await new Promise(() => {}); }`);
    expect(await main.exit).toBe(1);
    expect(main.out()).toMatch(/a bug\\n {4}at /);
  });
}

test("a signal during the start is passed on, and what it was told to give up is no failure", async () => {
  const main = run(
    `(stop) => new Promise((_, reject) => {
      stop.addEventListener("abort", () => reject(new Error("given up")));
      say("starts");
    })`,
  );
  await main.says("starts");
  main.child.kill("SIGTERM");
  expect(await main.exit).toBe(0);
});

test("what has started all the same after a signal is drained", async () => {
  const main = run(
    `(stop) => new Promise((resolve) => {
      stop.addEventListener("abort", () => resolve({ close: drained }));
      say("starts");
    })`,
  );
  await main.says("starts");
  main.child.kill("SIGTERM");
  expect(await main.exit).toBe(0);
  expect(main.out()).toMatch(/drained/);
});

test("with nobody to log to it drains all the same", async () => {
  const main = run(
    `async () => { setInterval(() => { throw new Error("a bug"); }, 1); return { close: async () => {} }; }`,
  );
  main.child.stdout?.destroy();
  expect(await main.exit).toBe(1);
});

/** A process of its own that runs `runMain("test", <start>, <options>)`. */
function run(start: string, options = "{}") {
  const code = `
    import { ConfigError } from ${JSON.stringify(import.meta.resolve("@tenon/config"))};
    import { StartError } from ${JSON.stringify(import.meta.resolve("@tenon/errors"))};
    import { runMain } from ${JSON.stringify(new URL("./run-main.ts", import.meta.url).href)};
    setInterval(() => {}, 60_000); // In place of a port that listens.
    const say = (line) => process.stdout.write(line + "\\n");
    const drained = () => new Promise((resolve) => setImmediate(() => resolve(say("drained"))));
    await runMain("test", ${start}, ${options});`;
  const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 10_000,
    killSignal: "SIGKILL",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let out = "";
  let err = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk) => {
    out += chunk;
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk) => {
    err += chunk;
  });
  return {
    child,
    exit: once(child, "close").then(([code]) => code as number | null),
    out: () => out,
    err: () => err,
    says: (line: string) => expect.poll(() => out, { timeout: 10_000 }).toContain(line),
  };
}
