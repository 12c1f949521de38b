import {
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  type DescOneof,
  ScalarType,
} from "@bufbuild/protobuf";
import type { GenFile } from "@bufbuild/protobuf/codegenv2";
import { FieldDescriptorProto_Label as Label } from "@bufbuild/protobuf/wkt";

/**
 * The source text of a descriptor: declarations only. Options of its fields are left out, as nothing that imports the
 * file needs them to be compiled, and so are comments, which a generated descriptor does not have. For proto2 and
 * proto3 files without groups.
 */
export function printProto(file: GenFile | DescFile): string {
  const { proto, messages, enums, extensions } = file;
  return [
    `syntax = "${proto.syntax === "" ? "proto2" : proto.syntax}";`,
    `package ${proto.package};`,
    ...proto.dependency.map((path) => `import "${path}";`),
    ...enums.map(printEnum),
    ...messages.map(printMessage),
    ...extensions.map(printExtension),
    "",
  ].join("\n");
}

function printMessage(message: DescMessage): string {
  const ranges = message.proto.extensionRange.map((r) => `extensions ${r.start} to ${r.end - 1};`);
  const reserved = message.proto.reservedRange.map((r) => `reserved ${r.start} to ${r.end - 1};`);
  return block(`message ${message.name}`, [
    ...reserved,
    ...ranges,
    ...message.nestedEnums.map(printEnum),
    ...message.nestedMessages.filter((nested) => !nested.proto.options?.mapEntry).map(printMessage),
    ...message.members.map((member) => (member.kind === "oneof" ? printOneof(member) : printField(member))),
    ...message.nestedExtensions.map(printExtension),
  ]);
}

const printOneof = (oneof: DescOneof): string =>
  block(
    `oneof ${oneof.name}`,
    oneof.fields.map((field) => printField(field, "")),
  );

function printField(field: DescField, label = labelOf(field)): string {
  return `${label}${typeOf(field)} ${field.name} = ${field.number};`;
}

const printExtension = (extension: DescExtension): string =>
  block(`extend .${extension.extendee.typeName}`, [
    `${labelOf(extension)}${typeOf(extension)} ${extension.name} = ${extension.number};`,
  ]);

const printEnum = (desc: DescEnum): string =>
  block(
    `enum ${desc.name}`,
    desc.proto.value.map((value) => `${value.name} = ${value.number};`),
  );

function labelOf(field: DescField | DescExtension): string {
  if (field.fieldKind === "map") return "";
  if (field.proto.label === Label.REPEATED) return "repeated ";
  if (field.proto.label === Label.REQUIRED) return "required ";
  const file = field.kind === "extension" ? field.file : field.parent.file;
  return file.proto.syntax === "" || field.proto.proto3Optional ? "optional " : "";
}

function typeOf(field: DescField | DescExtension): string {
  if (field.fieldKind === "map") {
    const value = field.message ?? field.enum;
    return `map<${scalar(field.mapKey)}, ${value ? `.${value.typeName}` : scalar(field.scalar as ScalarType)}>`;
  }
  const named = field.message ?? field.enum;
  return named ? `.${named.typeName}` : scalar(field.scalar as ScalarType);
}

const scalar = (type: ScalarType): string => (ScalarType[type] as string).toLowerCase();

const block = (head: string, lines: string[]): string =>
  [`${head} {`, ...lines.map((line) => line.replace(/^/gm, "  ")), "}"].join("\n");
