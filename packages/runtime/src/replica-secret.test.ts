import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readReplicaSecret } from "./replica-secret.ts";

test("replicas with the same key share a secret, other services and other keys do not", () => {
  const config = keyFile();
  const secret = readReplicaSecret({ config, name: "order" });
  expect(secret).toHaveLength(32);
  expect(readReplicaSecret({ config, name: "order" })).toEqual(secret);
  expect(readReplicaSecret({ config, name: "user" })).not.toEqual(secret);
  expect(readReplicaSecret({ config: keyFile(), name: "order" })).not.toEqual(secret);
});

test("without a key each process has its own", () => {
  const read = () => readReplicaSecret({ config: { SERVICE_KEY_FILE: undefined }, name: "order" });
  expect(read()).toHaveLength(32);
  expect(read()).not.toEqual(read());
});

function keyFile(): { SERVICE_KEY_FILE: string } {
  const folder = mkdtempSync(join(tmpdir(), "replica-secret-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "key.json");
  writeFileSync(path, JSON.stringify(generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" })));
  return { SERVICE_KEY_FILE: path };
}
