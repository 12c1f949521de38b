import { type PathTemplate, patternOf, type Variable } from "../path-template.ts";

/** A path as OpenAPI writes it. */
export interface OpenApiPath {
  readonly text: string;
  /** The names in braces, each with the variable that it is a part of; without one it binds nothing. */
  readonly parameters: readonly { readonly name: string; readonly variable: Variable | undefined }[];
}

/**
 * The path of a template: `/v1/users/{user_id}`. Templates that match the same paths are one path, whatever they call their
 * variables: the first one's names hold for all, which `names` keeps. A variable of several segments is its wildcards.
 */
export function pathOf(template: PathTemplate, names: Map<string, readonly string[]>): OpenApiPath {
  const parameters: { name: string; variable: Variable | undefined }[] = [];
  const pattern = patternOf({ ...template, verb: "" });
  const given = names.get(pattern);
  const words = template.segments.map((segment, index) => {
    if (segment.kind === "literal") return segment.text;
    const variable = template.variables.find(({ start, end }) => start <= index && index < end);
    const name = given?.[parameters.length] ?? unusedName(variable?.fieldPath.replaceAll(".", "_") ?? "segment");
    parameters.push({ name, variable });
    return `{${name}}`;
  });
  function unusedName(name: string): string {
    const same = parameters.filter((other) => other.name.replace(/_\d+$/, "") === name).length;
    return same === 0 ? name : `${name}_${same + 1}`;
  }
  names.set(pattern, given ?? parameters.map(({ name }) => name));
  return { text: `/${words.join("/")}${template.verb === "" ? "" : `:${template.verb}`}`, parameters };
}
