import { create, createFileRegistry, type DescMethod, setExtension } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
  MessageOptionsSchema,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import * as validatev1 from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import type { Method } from "@tenon/grpc";
import * as optionsv1 from "@tenon/options/tenon/options/v1";

export interface OddMethod {
  /** The words of its access rule; without them it has no policy. */
  access?: string[];
  /** A rule of its request, in CEL. */
  rule?: string;
}

/** The unary method `/odd.v1.OddService/Do` of a contract that no one would land. */
export function oddMethod({ access, rule }: OddMethod): Method & { desc: DescMethod } {
  const methodOptions = create(MethodOptionsSchema);
  if (access) setExtension(methodOptions, optionsv1.method, create(optionsv1.MethodPolicySchema, { access }));
  const messageOptions = create(MessageOptionsSchema);
  if (rule) {
    const rules = create(validatev1.MessageRulesSchema, { cel: [{ id: "odd", message: "odd", expression: rule }] });
    setExtension(messageOptions, validatev1.message, rules);
  }
  const file = create(FileDescriptorProtoSchema, {
    name: "odd.proto",
    package: "odd.v1",
    syntax: "proto3",
    messageType: [{ name: "Thing", options: messageOptions }],
    service: [
      {
        name: "OddService",
        method: [{ name: "Do", inputType: ".odd.v1.Thing", outputType: ".odd.v1.Thing", options: methodOptions }],
      },
    ],
  });
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }));
  const desc = registry.getService("odd.v1.OddService")?.methods[0];
  if (desc === undefined) throw new Error("no such method");
  const path = "/odd.v1.OddService/Do";
  return { path, service: "odd.v1.OddService", name: "Do", requestStream: false, responseStream: false, desc };
}
