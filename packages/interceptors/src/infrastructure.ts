/** Services beside the contracts, which are known by name and have rules of their own. */
export const HEALTH = "grpc.health.v1.Health";
export const REFLECTION = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"] as const;
