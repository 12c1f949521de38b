import type { DescFile, DescService } from "@bufbuild/protobuf";
import type { ServerDuplexStream, ServiceDefinition } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { toCodeNumber } from "@tenon/errors";
import * as rpc from "@tenon/options/google/rpc";
import { definitionFiles } from "./definition-files.ts";
import { createDescriptorIndex, type DescriptorIndex } from "./descriptor-index.ts";
import { endWith, type NativeService } from "./native-service.ts";

export interface ReflectionOptions {
  /** The services to list. What their files import is described too. */
  services: readonly DescService[];
  /** Services of other packages, listed and described as far as their definitions tell. */
  natives?: readonly NativeService[];
  /** Files of types that no service names; by default the details of errors (google/rpc/error_details.proto). */
  files?: readonly DescFile[];
}

export interface Reflection {
  readonly natives: readonly NativeService[];
  /** Ends every conversation with UNAVAILABLE: tools keep theirs open for hours, and would hold up a drain. */
  shutdown(): void;
}

/**
 * gRPC server reflection, v1 and v1alpha (grpc/doc/server-reflection.md). The protocol's definition is that of
 * @grpc/reflection; the answers are ours, because it encodes every file anew by protobufjs, which loses custom options.
 */
export function createReflection(options: ReflectionOptions): Reflection {
  const { services, natives = [], files = [rpc.file_google_rpc_error_details] } = options;
  const definitions = protocolDefinitions();
  const listed = [...natives.map(({ definition }) => definition), ...definitions];
  const index = createDescriptorIndex([
    ...services.map(({ file }) => file),
    ...files,
    ...listed.flatMap(definitionFiles),
  ]);
  const names = [...new Set([...services.map(({ typeName }) => typeName), ...listed.map(serviceName)])].sort();
  const streams = new Set<Stream>();
  const converse = (stream: Stream) => {
    streams.add(stream);
    // Every end of the call is a 'cancelled' to grpc-js, also a good one.
    stream.once("cancelled", () => streams.delete(stream));
    answerAll(stream, (request, sent) => respond(request, index, names, sent));
  };
  return {
    natives: definitions.map((definition) => ({ definition, implementation: { ServerReflectionInfo: converse } })),
    shutdown() {
      for (const stream of streams) endWith(stream, "UNAVAILABLE", "the server shuts down");
    },
  };
}

type Stream = ServerDuplexStream<ReflectionRequest, ReflectionResponse>;

/** As proto-loader decodes it: `messageRequest` names the field of the oneof that is set. */
export interface ReflectionRequest {
  host?: string;
  messageRequest?: string;
  listServices?: string;
  fileByFilename?: string;
  fileContainingSymbol?: string;
  fileContainingExtension?: { containingType: string; extensionNumber: number } | null;
  allExtensionNumbersOfType?: string;
}

export interface ReflectionResponse {
  validHost: string;
  originalRequest: ReflectionRequest;
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: Uint8Array[] };
  allExtensionNumbersResponse?: { baseTypeName: string; extensionNumber: number[] };
  errorResponse?: { errorCode: number; errorMessage: string };
}

function answerAll(
  stream: Stream,
  answer: (request: ReflectionRequest, sent: Set<string>) => ReflectionResponse,
): void {
  const sent = new Set<string>();
  stream.on("data", (request: ReflectionRequest) => {
    if (stream.writableEnded) return;
    // A client that asks and does not read holds no more than the stream's buffer.
    if (stream.write(answer(request, sent))) return;
    stream.pause();
    stream.once("drain", () => stream.resume());
  });
  stream.on("end", () => stream.end());
}

/** Answers one request; `sent` names the files that the stream has had, which go out again only when asked for. */
function respond(
  request: ReflectionRequest,
  index: DescriptorIndex,
  services: readonly string[],
  sent: Set<string>,
): ReflectionResponse {
  const response = { validHost: request.host ?? "", originalRequest: request };
  const files = (name: string | undefined, asked: string): ReflectionResponse => {
    if (name === undefined) return refuse("NOT_FOUND", `${asked} is not known here`);
    const wanted = index.withImports(name).filter((each) => each === name || !sent.has(each));
    for (const each of wanted) sent.add(each);
    return { ...response, fileDescriptorResponse: { fileDescriptorProto: wanted.map((each) => index.encoded(each)) } };
  };
  const refuse = (code: "NOT_FOUND" | "INVALID_ARGUMENT", errorMessage: string): ReflectionResponse => ({
    ...response,
    errorResponse: { errorCode: toCodeNumber(code), errorMessage },
  });

  switch (request.messageRequest) {
    case "listServices":
      return { ...response, listServicesResponse: { service: services.map((name) => ({ name })) } };
    case "fileByFilename": {
      const name = request.fileByFilename ?? "";
      return files(index.hasFile(name) ? name : undefined, "the file");
    }
    case "fileContainingSymbol":
      return files(index.fileOfSymbol(withoutDot(request.fileContainingSymbol)), "the symbol");
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = request.fileContainingExtension ?? {};
      return files(index.fileOfExtension(withoutDot(containingType), extensionNumber ?? 0), "the extension");
    }
    case "allExtensionNumbersOfType": {
      const baseTypeName = withoutDot(request.allExtensionNumbersOfType);
      const extensionNumber = index.extensionNumbers(baseTypeName);
      if (extensionNumber === undefined) return refuse("NOT_FOUND", "the type is not known here");
      return { ...response, allExtensionNumbersResponse: { baseTypeName, extensionNumber } };
    }
    default:
      return refuse("INVALID_ARGUMENT", "the request asks for nothing that this server knows");
  }
}

/** grpcurl asks without the leading dot, descriptors and other clients with it. */
const withoutDot = (name = ""): string => (name.startsWith(".") ? name.slice(1) : name);

/** The package keeps its definitions to itself but hands them to whatever has an `addService`. */
function protocolDefinitions(): ServiceDefinition[] {
  const definitions: ServiceDefinition[] = [];
  new ReflectionService({}).addToServer({ addService: (definition) => void definitions.push(definition) });
  return definitions;
}

const serviceName = (definition: ServiceDefinition): string =>
  Object.values(definition)[0]?.path.split("/")[1] as string;
