import { fromBinary } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { ServiceDefinition } from "@grpc/grpc-js";

/**
 * The files behind a service definition of proto-loader, which leaves them, encoded, on its message types. They name the
 * entry of a map after its field alone, which strict clients (grpcurl) refuse: it is `StatusesEntry` for `statuses`.
 */
export function definitionFiles(definition: ServiceDefinition): FileDescriptorProto[] {
  return Object.values(definition).flatMap((method) => {
    const { requestType } = method as { requestType?: { fileDescriptorProtos?: Uint8Array[] } };
    return (requestType?.fileDescriptorProtos ?? []).map((bytes) => {
      const file = fromBinary(FileDescriptorProtoSchema, bytes);
      for (const message of file.messageType) renameMapEntries(message);
      return file;
    });
  });
}

function renameMapEntries(message: DescriptorProto): void {
  for (const nested of message.nestedType) {
    renameMapEntries(nested);
    if (!nested.options?.mapEntry) continue;
    const field = message.field.find(({ typeName }) => typeName === nested.name);
    if (field === undefined) continue;
    const camel = protoCamelCase(field.name);
    nested.name = `${camel[0]?.toUpperCase()}${camel.slice(1)}Entry`;
    field.typeName = nested.name;
  }
}
