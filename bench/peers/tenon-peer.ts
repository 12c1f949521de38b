// Our server: bare; with interceptors that do nothing, `--interceptors=7`; or with the standard chain: `--key=<public JWK>`, and
// `--uncached` to verify each call's token anew.
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
  },
});
const { key, uncached } = values;
/** Looks at every moment of a call. */
const passThrough: Interceptor = () => ({ onStart() {}, onReceive() {}, onSend() {}, onEnd() {} });
const interceptors =
  key === undefined
    ? Array.from({ length: Number(values.interceptors) }, () => passThrough)
    : benchChain({ services, key: JSON.parse(key), uncached });
const server = createServer({ services, interceptors });
announce(await server.listen({ host: "127.0.0.1", port: 0 }));
