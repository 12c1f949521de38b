// Takes third-party protos from npm packages into .proto (ignored), and generates packages/options and packages/contracts.
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProto } from "./print-proto.ts";

const root = join(import.meta.dirname, "..");
const thirdParty = join(root, ".proto");

const GOOGLE = [
  "api/annotations.proto",
  "api/field_behavior.proto",
  "api/http.proto",
  "rpc/code.proto",
  "rpc/error_details.proto",
  "rpc/status.proto",
  "type/money.proto",
];

/** Third-party protos: google's as files of google-gax, buf.validate printed from the descriptor of protovalidate. */
function collectThirdParty(): void {
  rmSync(thirdParty, { recursive: true, force: true });
  const gax = join(root, "node_modules/google-gax/build/protos/google");
  for (const file of GOOGLE) cpSync(join(gax, file), join(thirdParty, "google", file));
  const validate = join(thirdParty, "buf/validate/validate.proto");
  mkdirSync(dirname(validate), { recursive: true });
  writeFileSync(validate, printProto(file_buf_validate_validate));
}

function buf(args: string[], cwd: string): void {
  const { status, error } = spawnSync("buf", args, { cwd, stdio: "inherit" });
  if (status !== 0) {
    process.stderr.write(`buf ${args.join(" ")} failed${error ? `: ${error.message}` : ""}\n`);
    process.exit(1);
  }
}

/** One module for each proto package: everything of `user.v1` is `@tenon/contracts/user/v1`. */
function writeIndexes(gen: string): void {
  const folders = new Map<string, string[]>();
  for (const file of globSync("**/*_pb.ts", { cwd: gen }).sort()) {
    const folder = dirname(file);
    folders.set(folder, [...(folders.get(folder) ?? []), relative(folder, file)]);
  }
  for (const [folder, files] of folders) {
    writeFileSync(join(gen, folder, "index.ts"), files.map((file) => `export * from "./${file}";\n`).join(""));
  }
}

collectThirdParty();
for (const [folder, cwd] of [
  ["packages/options", "packages/options"],
  ["packages/contracts", "."],
] as const) {
  const gen = join(root, folder, "gen");
  rmSync(gen, { recursive: true, force: true });
  buf(["generate"], join(root, cwd));
  writeIndexes(gen);
}
