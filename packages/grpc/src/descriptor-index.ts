import { clone, type DescFile, toBinary } from "@bufbuild/protobuf";
import { protoCamelCase } from "@bufbuild/protobuf/reflect";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from "@bufbuild/protobuf/wkt";

/** Files of a schema by what they declare. Names have no leading dot. Answers are file names, undefined where unknown. */
export interface DescriptorIndex {
  hasFile(name: string): boolean;
  /** The file that declares a message, field, oneof, enum, enum value, service, method or extension. */
  fileOfSymbol(symbol: string): string | undefined;
  fileOfExtension(extendee: string, number: number): string | undefined;
  /** Numbers of all extensions of a message, ascending; undefined where there is no such message. */
  extensionNumbers(extendee: string): number[] | undefined;
  /** The file and everything that it imports, directly or not; itself first. */
  withImports(name: string): string[];
  /** A FileDescriptorProto, encoded. */
  encoded(name: string): Uint8Array;
}

/**
 * Indexes `files` and all that they import. Their descriptors go out as protobuf-es encodes them: custom options, which
 * it does not know and keeps, stay as protoc wrote them.
 */
export function createDescriptorIndex(files: Iterable<DescFile | FileDescriptorProto>): DescriptorIndex {
  const protos = new Map<string, FileDescriptorProto>();
  const symbols = new Map<string, string>();
  const messages = new Set<string>();
  const extensions = new Map<string, Map<number, string>>();
  const encodings = new Map<string, Uint8Array>();

  const queue: (DescFile | FileDescriptorProto)[] = [...files];
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const imports = "proto" in file ? file.dependencies : [];
    const proto = clone(FileDescriptorProtoSchema, "proto" in file ? file.proto : file);
    if (protos.has(proto.name)) continue;
    protos.set(proto.name, proto);
    indexFile(proto);
    queue.push(...imports);
  }

  function indexFile(file: FileDescriptorProto): void {
    const scope = file.package;
    for (const message of file.messageType) indexMessage(message, scope);
    for (const each of file.enumType) indexEnum(each, scope);
    for (const extension of file.extension) indexExtension(extension, scope);
    for (const service of file.service) {
      const name = declare(service.name, scope);
      for (const method of service.method) declare(method.name, name);
    }

    function indexMessage(message: DescriptorProto, outer: string): void {
      const name = declare(message.name, outer);
      messages.add(name);
      for (const field of message.field) indexField(field, name);
      for (const oneof of message.oneofDecl) declare(oneof.name, name);
      for (const nested of message.nestedType) indexMessage(nested, name);
      for (const nested of message.enumType) indexEnum(nested, name);
      for (const extension of message.extension) indexExtension(extension, name);
    }

    // As in C++, the values of an enum are siblings of the enum, not inside it.
    function indexEnum(each: EnumDescriptorProto, outer: string): void {
      declare(each.name, outer);
      for (const value of each.value) declare(value.name, outer);
    }

    function indexExtension(extension: FieldDescriptorProto, outer: string): void {
      indexField(extension, outer);
      const extendee = withoutDot(extension.extendee);
      const byNumber = extensions.get(extendee) ?? new Map<number, string>();
      extensions.set(extendee, byNumber.set(extension.number, file.name));
    }

    function indexField(field: FieldDescriptorProto, outer: string): void {
      declare(field.name, outer);
      // Clients that make JSON from reflection use it as it is, also where it is empty.
      if (field.jsonName === "") field.jsonName = protoCamelCase(field.name);
    }

    function declare(name: string, outer: string): string {
      const full = outer === "" ? name : `${outer}.${name}`;
      symbols.set(full, file.name);
      return full;
    }
  }

  return {
    hasFile: (name) => protos.has(name),
    fileOfSymbol: (symbol) => symbols.get(symbol),
    fileOfExtension: (extendee, number) => extensions.get(extendee)?.get(number),
    extensionNumbers(extendee) {
      const byNumber = extensions.get(extendee);
      if (byNumber === undefined) return messages.has(extendee) ? [] : undefined;
      return [...byNumber.keys()].sort((a, b) => a - b);
    },
    withImports(name) {
      const found = new Set([name]);
      // A Set's iteration also visits what is added meanwhile.
      for (const each of found) {
        for (const dependency of protos.get(each)?.dependency ?? []) if (protos.has(dependency)) found.add(dependency);
      }
      return [...found];
    },
    encoded(name) {
      const known = encodings.get(name);
      if (known !== undefined) return known;
      const bytes = toBinary(FileDescriptorProtoSchema, protos.get(name) as FileDescriptorProto);
      encodings.set(name, bytes);
      return bytes;
    },
  };
}

const withoutDot = (name: string): string => (name.startsWith(".") ? name.slice(1) : name);
