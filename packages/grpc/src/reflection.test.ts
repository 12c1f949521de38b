import { create, createFileRegistry, fromBinary, getOption, setExtension } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_descriptor,
  MethodOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import { credentials, makeClientConstructor, Server, ServerCredentials } from "@grpc/grpc-js";
import { fromCodeNumber } from "@tenon/errors";
import * as api from "@tenon/options/google/api";
import { expect, onTestFinished, test } from "vitest";
import { createHealth } from "./health.ts";
import { createReflection, type ReflectionRequest, type ReflectionResponse } from "./reflection.ts";

const { string: STRING, message: MESSAGE } = {
  string: FieldDescriptorProto_Type.STRING,
  message: FieldDescriptorProto_Type.MESSAGE,
};

/** shop.v1 imports google.api, declares something of every kind and extends a message from inside another. */
const shopProto = create(FileDescriptorProtoSchema, {
  name: "shop/v1/shop.proto",
  package: "shop.v1",
  syntax: "proto3",
  dependency: ["google/api/annotations.proto", "google/protobuf/descriptor.proto", "root.proto"],
  messageType: [
    {
      name: "BuyRequest",
      field: [
        { name: "item_name", number: 1, type: STRING, label: 1 },
        { name: "receipt", number: 2, type: MESSAGE, typeName: ".Receipt", label: 1, oneofIndex: 0 },
      ],
      oneofDecl: [{ name: "choice" }],
      nestedType: [{ name: "Line", field: [{ name: "unit_price", number: 1, type: STRING, label: 1 }] }],
      enumType: [{ name: "Size", value: [{ name: "SIZE_UNSPECIFIED", number: 0 }] }],
      extension: [
        { name: "inner_mark", extendee: ".google.protobuf.FieldOptions", number: 50002, type: STRING, label: 1 },
      ],
    },
    { name: "BuyResponse" },
  ],
  enumType: [{ name: "Mood", value: [{ name: "MOOD_UNSPECIFIED", number: 0 }] }],
  extension: [{ name: "mark", extendee: ".google.protobuf.FieldOptions", number: 50001, type: STRING, label: 1 }],
  service: [
    { name: "Shop", method: [{ name: "Buy", inputType: ".shop.v1.BuyRequest", outputType: ".shop.v1.BuyResponse" }] },
  ],
});
const http = create(api.HttpRuleSchema, { pattern: { case: "get", value: "/v1/buy" } });
const buyOptions = create(MethodOptionsSchema);
setExtension(buyOptions, api.http, http);
for (const method of shopProto.service.flatMap((service) => service.method)) method.options = buyOptions;

/** A file without a package. */
const rootProto = create(FileDescriptorProtoSchema, {
  name: "root.proto",
  syntax: "proto3",
  messageType: [{ name: "Receipt" }],
});

const registry = createFileRegistry(shopProto, (name) =>
  name === "root.proto"
    ? rootProto
    : [api.file_google_api_annotations, api.file_google_api_http, file_google_protobuf_descriptor].find(
        (file) => file.proto.name === name,
      ),
);
const SHOP = "shop/v1/shop.proto";
const ANNOTATIONS = "google/api/annotations.proto";
const HEALTH = "grpc.health.v1.Health";

for (const version of ["v1", "v1alpha"] as const) {
  test(`55: ${version} lists our services, those of packages, and itself in both versions`, async () => {
    const [response] = await converse(version, [{ listServices: "*" }]);
    expect(response?.listServicesResponse?.service.map(({ name }) => name)).toEqual([
      HEALTH,
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "shop.v1.Shop",
    ]);
  });
}

for (const [symbol, file] of [
  ["shop.v1.Shop", SHOP],
  [".shop.v1.Shop", SHOP],
  ["shop.v1.Shop.Buy", SHOP],
  ["shop.v1.BuyRequest", SHOP],
  ["shop.v1.BuyRequest.item_name", SHOP],
  ["shop.v1.BuyRequest.choice", SHOP],
  ["shop.v1.BuyRequest.Line", SHOP],
  ["shop.v1.BuyRequest.Line.unit_price", SHOP],
  ["shop.v1.BuyRequest.Size", SHOP],
  ["shop.v1.BuyRequest.SIZE_UNSPECIFIED", SHOP],
  ["shop.v1.Mood", SHOP],
  ["shop.v1.MOOD_UNSPECIFIED", SHOP],
  ["shop.v1.mark", SHOP],
  ["shop.v1.BuyRequest.inner_mark", SHOP],
  ["Receipt", "root.proto"],
  [".Receipt", "root.proto"],
  ["google.api.http", ANNOTATIONS],
  ["google.api.HttpRule", "google/api/http.proto"],
  ["google.protobuf.MethodOptions", "google/protobuf/descriptor.proto"],
] as const) {
  test(`55: ${symbol} is in ${file}`, async () => {
    const [response] = await converse("v1", [{ fileContainingSymbol: symbol }]);
    expect(files(response)[0]?.name).toBe(file);
  });
}

for (const symbol of [
  "",
  "shop",
  "shop.v1",
  "shop.v1.Mood.MOOD_UNSPECIFIED",
  "shop.v1.Sho",
  "..shop.v1.Shop",
  "__proto__",
]) {
  test(`the symbol "${symbol}" is NOT_FOUND`, async () =>
    expect(await refusal({ fileContainingSymbol: symbol })).toBe("NOT_FOUND"));
}

test("a service of a package is described too, with json_name on every field", async () => {
  for (const name of [HEALTH, "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"]) {
    const [response] = await converse("v1", [{ fileContainingSymbol: name }]);
    const [file] = files(response);
    expect(file?.service[0]?.method.length).toBeGreaterThan(0);
    expect(file?.messageType.flatMap(({ nestedType }) => nestedType.map(({ name }) => name))).toEqual(
      name === HEALTH ? ["StatusesEntry"] : [],
    );
    expect(file?.messageType.flatMap(({ field }) => field).filter(({ jsonName }) => jsonName === "")).toEqual([]);
  }
});

test("55: a file comes with all that it imports, itself first, and custom options as they were written", async () => {
  const [response] = await converse("v1", [{ fileByFilename: SHOP }]);
  const [shop, ...imports] = files(response);
  expect(imports.map(({ name }) => name).sort()).toEqual([
    ANNOTATIONS,
    "google/api/http.proto",
    "google/protobuf/descriptor.proto",
    "root.proto",
  ]);
  expect(shop?.messageType[0]?.field.map(({ jsonName }) => jsonName)).toEqual(["itemName", "receipt"]);
  const described = createFileRegistry(shop as FileDescriptorProto, (name) =>
    imports.find((file) => file.name === name),
  );
  expect(getOption(described.getService("shop.v1.Shop")?.method.buy as never, api.http)).toEqual(http);
});

test("what a stream has had goes out again only when it is asked for", async () => {
  const responses = await converse("v1", [
    { fileByFilename: ANNOTATIONS },
    { fileByFilename: SHOP },
    { fileByFilename: SHOP },
  ]);
  expect(responses.map((response) => files(response).map(({ name }) => name))).toEqual([
    [ANNOTATIONS, "google/api/http.proto", "google/protobuf/descriptor.proto"],
    [SHOP, "root.proto"],
    [SHOP],
  ]);
});

for (const [containingType, extensionNumber, file] of [
  ["google.protobuf.MethodOptions", 72295728, ANNOTATIONS],
  [".google.protobuf.MethodOptions", 72295728, ANNOTATIONS],
  ["google.protobuf.FieldOptions", 50001, SHOP],
  ["google.protobuf.FieldOptions", 50002, SHOP],
] as const) {
  test(`55: extension ${extensionNumber} of ${containingType} is in ${file}`, async () => {
    const [response] = await converse("v1", [{ fileContainingExtension: { containingType, extensionNumber } }]);
    expect(files(response)[0]?.name).toBe(file);
  });
}

for (const [type, numbers] of [
  ["google.protobuf.FieldOptions", [50001, 50002]],
  [".google.protobuf.MethodOptions", [72295728]],
  ["shop.v1.BuyRequest", []],
] as const) {
  test(`the extensions of ${type} are [${numbers}]`, async () => {
    const [response] = await converse("v1", [{ allExtensionNumbersOfType: type }]);
    expect(response?.allExtensionNumbersResponse?.extensionNumber).toEqual(numbers);
  });
}

for (const [what, request, code] of [
  ["an unknown file", { fileByFilename: "shop/v1/nothing.proto" }, "NOT_FOUND"],
  ["a file by the path of an object's property", { fileByFilename: "constructor" }, "NOT_FOUND"],
  [
    "an unknown extension",
    { fileContainingExtension: { containingType: "shop.v1.BuyRequest", extensionNumber: 7 } },
    "NOT_FOUND",
  ],
  ["an extension of nothing", { fileContainingExtension: { containingType: "", extensionNumber: -1 } }, "NOT_FOUND"],
  ["the extensions of an unknown type", { allExtensionNumbersOfType: "shop.v1.Nothing" }, "NOT_FOUND"],
  ["the extensions of a service", { allExtensionNumbersOfType: "shop.v1.Shop" }, "NOT_FOUND"],
  ["a request for nothing", {}, "INVALID_ARGUMENT"],
] as const) {
  test(`${what} is ${code}`, async () => expect(await refusal(request)).toBe(code));
}

test("a refusal repeats the request and leaves the stream open", async () => {
  const [refused, listed] = await converse("v1", [{ host: "h", fileByFilename: "x" }, { listServices: "" }]);
  expect(refused).toMatchObject({ validHost: "h", originalRequest: { host: "h", fileByFilename: "x" } });
  expect(listed?.listServicesResponse?.service).toHaveLength(4);
});

for (const [what, hold] of [
  ["that waits for its client", async () => {}],
  [
    "whose client has asked and does not read",
    async (stream: { write(request: object): boolean; pause(): void }) => {
      stream.pause();
      for (let i = 0; i < 100; i++) stream.write({ fileByFilename: SHOP });
    },
  ],
] as const) {
  test(`shutdown ends a conversation ${what}, and lets the server go`, async () => {
    const { server, reflection, open } = await serve();
    const stream = open("v1");
    const ended = new Promise<number>((resolve) => stream.once("error", ({ code }: { code: number }) => resolve(code)));
    stream.write({ listServices: "" });
    await new Promise((resolve) => stream.once("data", resolve));
    await hold(stream);
    reflection.shutdown();
    stream.resume();
    expect(fromCodeNumber(await ended)).toBe("UNAVAILABLE");
    await new Promise<void>((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve())));
  });
}

async function refusal(request: ReflectionRequest) {
  const [response] = await converse("v1", [request]);
  return fromCodeNumber(response?.errorResponse?.errorCode ?? 0);
}

const files = (response: ReflectionResponse | undefined) =>
  (response?.fileDescriptorResponse?.fileDescriptorProto ?? []).map((bytes) =>
    fromBinary(FileDescriptorProtoSchema, Uint8Array.from(bytes)),
  );

/** One stream over a real connection: all requests at once, then all responses. */
async function converse(version: Version, requests: readonly ReflectionRequest[]): Promise<ReflectionResponse[]> {
  const { open } = await serve();
  const stream = open(version);
  for (const request of requests) stream.write(request);
  stream.end();
  const responses: ReflectionResponse[] = [];
  for await (const response of stream) responses.push(response);
  return responses;
}

type Version = "v1" | "v1alpha";

/** Reflection of the shop and of health on a plain grpc-js server. */
async function serve() {
  const services = [...registry].filter((desc) => desc.kind === "service");
  const reflection = createReflection({ services, natives: [createHealth({ services: [] }).native] });
  const server = new Server();
  for (const { definition, implementation } of reflection.natives) server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  onTestFinished(() => server.forceShutdown());
  return {
    reflection,
    server,
    open(version: Version) {
      const native = reflection.natives.find(({ definition }) =>
        Object.values(definition).some(({ path }) => path.startsWith(`/grpc.reflection.${version}.`)),
      );
      // biome-ignore lint/suspicious/noExplicitAny: grpc-js makes the methods of this client at run time.
      const client = new (makeClientConstructor(native?.definition ?? {}, "Reflection") as any)(
        `127.0.0.1:${port}`,
        credentials.createInsecure(),
      );
      onTestFinished(() => client.close());
      return client.ServerReflectionInfo({ deadline: Date.now() + 5000 });
    },
  };
}
