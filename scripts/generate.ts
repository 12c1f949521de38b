// Takes third-party protos from npm packages into .proto (ignored), and generates packages/options and packages/contracts.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProto } from "./print-proto.ts";
import { commentsOf } from "./proto-comments.ts";

const root = join(import.meta.dirname, "..");
const thirdParty = join(root, ".proto");

const GOOGLE = [
  "api/annotations.proto",
  "api/field_behavior.proto",
  "api/http.proto",
  "api/httpbody.proto",
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

/** What our contracts say in comments, as `@tenon/contracts/comments`. */
function writeComments(gen: string): void {
  const image = execFileSync("buf", ["build", "proto", "--as-file-descriptor-set", "-o", "-"], { cwd: root });
  const ours = fromBinary(FileDescriptorSetSchema, image).file.filter(({ name }) => !/^(google|buf)\//.test(name));
  const byName = Object.fromEntries(ours.flatMap((file) => [...commentsOf(file)]).sort());
  mkdirSync(join(gen, "comments"), { recursive: true });
  const comment = "/** Comments of the contracts by full name. */\n";
  const json = JSON.stringify(byName, undefined, 2);
  writeFileSync(
    join(gen, "comments/index.ts"),
    `${comment}export const byName: Readonly<Record<string, string>> = ${json};\n`,
  );
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
writeComments(join(root, "packages/contracts/gen"));
