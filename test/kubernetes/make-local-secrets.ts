// `make kubernetes-secrets`: keys, passwords and certificates for deploy/kubernetes/local.

import { join } from "node:path";
import { makeLocalSecrets } from "./local-secrets.ts";

await makeLocalSecrets({
  directory: join(import.meta.dirname, "../../deploy/kubernetes/local/secrets"),
  onProgress: (line) => void process.stdout.write(`${line}\n`),
});
