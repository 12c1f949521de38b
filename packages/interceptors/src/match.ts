import { type DescMethod, type ExtensionValueShape, getOption } from "@bufbuild/protobuf";
import type { GenExtension } from "@bufbuild/protobuf/codegenv2";
import type { MethodOptions } from "@bufbuild/protobuf/wkt";
import type { Match } from "./selector.ts";

/** Methods of these services, by full name: `user.v1.UserService`. */
export function ofService(...names: readonly string[]): Match {
  const known = new Set(names);
  return ({ service }) => known.has(service);
}

/** These methods, by path: `/user.v1.UserService/GetUser`. What is no path is refused at once. */
export function ofMethod(...paths: readonly string[]): Match {
  for (const path of paths)
    if (!/^\/[^/]+\/[^/]+$/.test(path)) throw new Error(`ofMethod: "${path}" is no method's path`);
  const known = new Set(paths);
  return ({ path }) => known.has(path);
}

/**
 * Methods whose option in the contract has such a value; where it is not set, it has its default. None without a descriptor.
 * `withOption(optionsv1.method, ({ priority }) => priority === optionsv1.Priority.HIGH)`
 */
export function withOption<T>(
  option: GenExtension<MethodOptions, T>,
  test: (value: ExtensionValueShape<GenExtension<MethodOptions, T>>) => boolean,
): Match {
  return ({ desc }) => desc !== undefined && test(getOption(desc as DescMethod, option));
}
