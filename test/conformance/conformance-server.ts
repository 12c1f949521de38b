// The server that the runner judges: started by it for each way to listen, told which on standard input.
import { create } from "@bufbuild/protobuf";
import { createServer } from "@tenon/grpc";
import { conformanceService } from "./conformance-service.ts";
import { readMessages, writeMessage } from "./conformance-stdio.ts";
import * as conformancev1 from "./gen/connectrpc/conformance/v1/server_compat_pb.ts";

process.once("SIGTERM", () => process.exit(0));

for await (const request of readMessages(conformancev1.ServerCompatRequestSchema)) {
  const { messageReceiveLimit, clientTlsCert, serverCreds } = request;
  const identity = request.useTls ? serverCreds : undefined;
  const server = createServer({
    services: [conformanceService],
    ...(messageReceiveLimit > 0 && { maxReceiveMessageBytes: messageReceiveLimit }),
    ...(identity && {
      tls: {
        cert: Buffer.from(identity.cert),
        key: Buffer.from(identity.key),
        ...(clientTlsCert.length > 0 && { ca: Buffer.from(clientTlsCert) }),
      },
    }),
  });
  const host = "127.0.0.1";
  const port = await server.listen({ host, port: 0 });
  const response = { host, port, ...(identity && { pemCert: identity.cert }) };
  writeMessage(conformancev1.ServerCompatResponseSchema, create(conformancev1.ServerCompatResponseSchema, response));
  break;
}
