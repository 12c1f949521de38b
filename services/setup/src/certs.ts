// make certs: a root, and a certificate for each service of `make run`, in .data/tls, with the variables that use them.
import { join } from "node:path";
import { makeCertificates } from "./certificates.ts";
import { readCertsConfig } from "./config.ts";
import { writeWhole } from "./whole-file.ts";

const { DATA_DIR, TLS_TRUST_DOMAIN, services } = readCertsConfig();
const directory = join(DATA_DIR, "tls");
const filesOf = (name: string) => ({ cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) });
const print = (line: string) => void process.stdout.write(`${line}\n`);

await makeCertificates({
  authority: filesOf("ca"),
  subjects: services.map((name) => ({
    ...filesOf(name),
    names: [name, "localhost", "127.0.0.1"],
    // The gateway speaks for whoever calls it, so that it proves nothing about itself.
    ...(name !== "gateway" && { uri: `spiffe://${TLS_TRUST_DOMAIN}/${name}` }),
  })),
  onProgress: print,
});

const variables = services.flatMap((name) => {
  const { cert, key } = filesOf(name);
  return [`${name.toUpperCase()}_TLS_CERT_FILE=${cert}`, `${name.toUpperCase()}_TLS_KEY_FILE=${key}`];
});
const envFile = join(directory, "tls.env");
await writeWhole(envFile, [`TLS_CA_FILE=${filesOf("ca").cert}`, ...variables].join("\n"));
print(`Run with them: set -a; . ${envFile}; set +a; make run`);
print("Run `make certs` again to renew what is half over: running services take it over by themselves.");
