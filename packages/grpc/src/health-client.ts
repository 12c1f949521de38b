import { create, createFileRegistry, type DescService, type Message } from "@bufbuild/protobuf";
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { CallOptions } from "./call-options.ts";
import { type ClientOptions, createClient } from "./client.ts";

/** Asks servers for their health (grpc.health.v1). */
export interface HealthClient {
  /** Whether a service, or for '' the server as a whole, is SERVING. Rejects where there is no answer, or an error for one. */
  check(service?: string, options?: CallOptions): Promise<boolean>;
  close(): void;
}

const SERVING = 1;

/** A client of the health of whatever is at the target. */
export function createHealthClient(options: ClientOptions & { target: string }): HealthClient {
  const client = createClient(healthService(), options) as unknown as {
    check(request: { service: string }, options: CallOptions): Promise<Message & { status: number }>;
    close(): void;
  };
  return {
    async check(service = "", callOptions = {}) {
      const { status } = await client.check({ service }, callOptions);
      return status === SERVING;
    },
    close: () => client.close(),
  };
}

/**
 * As much of grpc/health/v1/health.proto as a check needs; the descriptors that grpc-health-check brings along do not
 * resolve. On the wire an enum is a number.
 */
function healthService(): DescService {
  const { OPTIONAL: label } = FieldDescriptorProto_Label;
  const { STRING, INT32 } = FieldDescriptorProto_Type;
  const [inputType, outputType] = [".grpc.health.v1.HealthCheckRequest", ".grpc.health.v1.HealthCheckResponse"];
  const file = {
    name: "grpc/health/v1/health.proto",
    package: "grpc.health.v1",
    syntax: "proto3",
    messageType: [
      { name: "HealthCheckRequest", field: [{ name: "service", number: 1, type: STRING, label }] },
      { name: "HealthCheckResponse", field: [{ name: "status", number: 1, type: INT32, label }] },
    ],
    service: [{ name: "Health", method: [{ name: "Check", inputType, outputType }] }],
  };
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  return registry.getService("grpc.health.v1.Health") as DescService;
}
