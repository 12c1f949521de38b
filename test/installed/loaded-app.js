// An application on grpc-js and proto-loader, in JavaScript: the chain comes in by one line on each side.
import * as grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { StatusError } from "@tenon/errors";
import { methodsOf, toClientInterceptor, toServerInterceptor } from "@tenon/grpc";
import { deadline, logging, metrics, onlyFor, propagation, recovery } from "@tenon/interceptors";
import { createLogger } from "@tenon/logger";
import { Registry } from "prom-client";

const { EchoService } = grpc.loadPackageDefinition(loadSync("proto/echo.proto")).echo.v1;

const print = (line) => process.stdout.write(`${line}\n`);
const tell = (facts) => print(`${facts["grpc.component"]} ${facts["grpc.code"]}`);
const logger = createLogger({ name: "echo", level: "debug", destination: { write: (line) => tell(JSON.parse(line)) } });
// there are no descriptors of protobuf-es here: the definition of grpc-js names the methods
const methods = methodsOf([], [{ definition: EchoService.service, implementation: {} }]);
const registry = new Registry();
const refuse = () => ({
  onStart() {
    throw new StatusError("PERMISSION_DENIED", "not this one", { reason: "NOT_YOURS" });
  },
});
const chain = [
  propagation(),
  logging(logger),
  metrics(registry, { side: "server", methods }),
  recovery(logger),
  deadline(),
  onlyFor((method) => method.name === "EchoTimes", refuse),
];

const server = new grpc.Server({ interceptors: [toServerInterceptor(chain)] });
server.addService(EchoService.service, {
  echo: ({ request }, callback) => callback(null, { text: request.text }),
  echoTimes: (call) => call.end(),
});
const port = await new Promise((resolve, reject) => {
  const done = (error, bound) => (error ? reject(error) : resolve(bound));
  server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), done);
});

const interceptors = [toClientInterceptor([logging(logger)])];
const client = new EchoService(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), { interceptors });
const options = () => ({ deadline: Date.now() + 5000 });
const text = await new Promise((resolve, reject) => {
  client.echo({ text: "loaded" }, options(), (error, response) => (error ? reject(error) : resolve(response.text)));
});
print(text);
const error = await new Promise((resolve) => {
  client.echoTimes({ text: "never", times: 2 }, options()).on("error", resolve).resume();
});
print(`${error.code} ${error.details}`);
print((await registry.metrics()).match(/^grpc_server_handled_total.*"Echo".*"OK".*/m)[0]);

client.close();
server.forceShutdown();
