import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

// The packages as others get them: tarballs, installed by npm in folders that know nothing of this workspace.

const root = join(import.meta.dirname, "..");
const apps = join(import.meta.dirname, "installed");
const outside = mkdtempSync(join(tmpdir(), "tenon-pack-"));
const tarballs = join(outside, "tarballs");

async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  const tools = join(root, "node_modules/.bin");
  const env = { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}` };
  try {
    return (await promisify(execFile)(program, args, { cwd, env, timeout: 120_000 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(" ")}\n${stdout}${stderr}`, { cause: error });
  }
}

/** An application of its own, with our packages and these. */
async function install(name: string, ...others: string[]): Promise<string> {
  const folder = join(outside, name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  const ours = readdirSync(tarballs).map((file) => join(tarballs, file));
  await run(folder, "npm", "install", "--no-audit", "--no-fund", "--prefer-offline", ...ours, ...others);
  cpSync(join(apps, "echo.proto"), join(folder, "proto/echo.proto"));
  return folder;
}

let online = true;
beforeAll(async () => {
  const ping = run(root, "npm", "ping", "--fetch-retries=0", "--fetch-timeout=10000").then(
    () => true,
    () => false,
  );
  await run(root, process.execPath, "scripts/pack.ts", tarballs);
  online = await ping;
}, 60_000);
afterAll(() => rmSync(outside, { recursive: true, force: true }));

test.concurrent("a JavaScript application with proto-loader runs the chain on both sides", async ({ expect, skip }) => {
  if (!online) skip("the npm registry cannot be reached");
  const folder = await install("loaded", "@grpc/grpc-js@1", "@grpc/proto-loader", "prom-client");
  cpSync(join(apps, "loaded-app.js"), join(folder, "loaded-app.js"));
  expect(await run(folder, process.execPath, "loaded-app.js")).toBe(
    [
      "server OK",
      "client OK",
      "loaded",
      "server PermissionDenied",
      "client PermissionDenied",
      "7 not this one",
      'grpc_server_handled_total{grpc_type="unary",grpc_service="echo.v1.EchoService",grpc_method="Echo",grpc_code="OK"} 1',
      "",
    ].join("\n"),
  );
}, 120_000);

test.concurrent("a TypeScript application with generated stubs compiles against the declarations and runs", async ({
  expect,
  skip,
}) => {
  if (!online) skip("the npm registry cannot be reached");
  const folder = await install("stubs", "@grpc/grpc-js@1", "ts-proto@2", "@types/node@24");
  const plugin = {
    local: "./node_modules/.bin/protoc-gen-ts_proto",
    out: "gen",
    opt: ["outputServices=grpc-js", "importSuffix=.js"],
  };
  writeFileSync(join(folder, "buf.gen.yaml"), JSON.stringify({ version: "v2", plugins: [plugin] }));
  await run(folder, "buf", "generate", "proto");
  cpSync(join(apps, "stubs-app.ts"), join(folder, "stubs-app.ts"));
  const strict = ["--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2023"];
  await run(folder, "tsc", ...strict, "--types", "node", "stubs-app.ts");
  expect(await run(folder, process.execPath, "stubs-app.js")).toBe(
    [
      "sends, true",
      "stubs",
      "sends, true",
      "sends, true",
      "sends, true",
      "3 responses, google.rpc.BadRequest",
      "",
    ].join("\n"),
  );
}, 120_000);

test("no tarball has a test, a fixture or a contract of the platform", async () => {
  const files = readdirSync(tarballs);
  expect(files).toHaveLength(5);
  for (const file of files) {
    const listing = await run(tarballs, "tar", "tzf", file);
    expect(listing).toContain("package/dist/");
    expect(listing).not.toMatch(/test|fixture|rig|contracts|\.ts$(?<!\.d\.ts)/m);
    expect(await run(tarballs, "tar", "xzOf", file, "package/package.json")).not.toMatch(
      /workspace:|catalog:|contracts/,
    );
  }
});
