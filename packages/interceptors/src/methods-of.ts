import type { DescService } from "@bufbuild/protobuf";
import type { Method } from "@tenon/grpc";

/** What tables and metrics need to know of a method. */
export type MethodShape = Pick<Method, "path" | "service" | "name" | "requestStream" | "responseStream">;

/** The methods of services, for what is prepared before the first call. */
export const methodsOf = (services: readonly DescService[]): Method[] =>
  services.flatMap(({ typeName, methods }) =>
    methods.map((desc) => ({
      path: `/${typeName}/${desc.name}`,
      service: typeName,
      name: desc.name,
      requestStream: desc.methodKind === "client_streaming" || desc.methodKind === "bidi_streaming",
      responseStream: desc.methodKind === "server_streaming" || desc.methodKind === "bidi_streaming",
      desc,
    })),
  );

export const HEALTH = "grpc.health.v1.Health";
export const REFLECTION = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

const infrastructure = (
  service: string,
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodShape => ({
  path: `/${service}/${name}`,
  service,
  name,
  requestStream,
  responseStream,
});

/** What every server of ours serves besides its contracts, known by path alone. */
export const INFRASTRUCTURE: readonly MethodShape[] = [
  infrastructure(HEALTH, "Check", false, false),
  infrastructure(HEALTH, "List", false, false),
  infrastructure(HEALTH, "Watch", false, true),
  ...REFLECTION.map((service) => infrastructure(service, "ServerReflectionInfo", true, true)),
];
