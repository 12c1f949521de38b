// Our server: bare; with interceptors that do nothing, `--interceptors=7`; or with the standard chain: `--key=<public JWK>`, and
// `--uncached` to verify each call's token anew. `--tls=<directory>` has it speak mutual TLS by the files there.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createServer, type Interceptor } from "@tenon/grpc";
import { benchChain } from "./bench-chain.ts";
import { BENCH_SERVICES as services } from "./bench-services.ts";
import { announce } from "./peer-program.ts";

const { values } = parseArgs({
  options: {
    key: { type: "string" },
    uncached: { type: "boolean", default: false },
    interceptors: { type: "string", default: "0" },
    tls: { type: "string" },
  },
});
const { key, uncached, tls: directory } = values;
/** Looks at every moment of a call. */
const passThrough: Interceptor = () => ({ onStart() {}, onReceive() {}, onSend() {}, onEnd() {} });
const interceptors =
  key === undefined
    ? Array.from({ length: Number(values.interceptors) }, () => passThrough)
    : benchChain({ services, key: JSON.parse(key), uncached });
const read = (name: string): Buffer => readFileSync(join(directory ?? "", name));
const tls = directory === undefined ? undefined : { ca: read("ca.crt"), cert: read("peer.crt"), key: read("peer.key") };
const server = createServer({ services, interceptors, tls });
announce(await server.listen({ host: "127.0.0.1", port: 0 }));
