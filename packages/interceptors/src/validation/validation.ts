import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { createValidator, type Violation } from "@bufbuild/protovalidate";
import { StatusError } from "@tenon/errors";
import { type Interceptor, type Method, NO_HOOKS } from "@tenon/grpc";
import { HEALTH, REFLECTION } from "../infrastructure.ts";
import { perMethod } from "../per-method.ts";
import { type RequestSchemas, requestSchema } from "./request-schema.ts";

export interface ValidationOptions extends RequestSchemas {
  /** What is served: the rules of these requests are compiled at once, some 30 ms a type, and a wrong one is thrown. */
  methods?: readonly Method[];
  /** Methods by path, or services, whose requests have no rules: those without a descriptor stop the start otherwise. */
  unchecked?: readonly string[];
}

/** So many violations and characters of each are told; details of more than 8 KiB would not reach the caller. */
const MAX_VIOLATIONS = 20;
const MAX_TEXT_LENGTH = 160;

/**
 * Checks every message that a server receives against the rules of its contract (buf.validate): INVALID_ARGUMENT with
 * reason VALIDATION_FAILED and each violation by field. A rule that cannot be evaluated is our bug: INTERNAL; and so is a message
 * that cannot be checked, because nobody gave its descriptor. Clients check nothing: the callee's rules decide, which may be
 * newer than the caller's.
 */
export function validation(options: ValidationOptions = {}): Interceptor {
  const { methods = [], registry, definitions, unchecked = [] } = options;
  const validator = createValidator();
  const exempt = new Set<string>([HEALTH, ...REFLECTION, ...unchecked]);
  const isChecked = ({ path, service }: Method) => !exempt.has(path) && !exempt.has(service);
  const schemaOf = perMethod((method) => {
    const schema = requestSchema(method, { registry, definitions });
    if (schema === undefined) {
      throw new Error(
        `validation: ${method.path} has no descriptor, registry has none of it, and unchecked does not name it`,
      );
    }
    return schema;
  });

  function check(schema: DescMessage, message: Message): void {
    const result = validator.validate(schema, message);
    if (result.kind === "invalid") throw toRefusal(result.violations);
    if (result.kind === "error") throw new Error(`the rules of ${schema.typeName} fail`, { cause: result.error });
  }

  for (const method of methods.filter(isChecked)) {
    const { input } = schemaOf(method);
    const { kind, error } = validator.validate(input, create(input));
    if (kind === "error") throw new Error(`the rules of ${input.typeName} fail`, { cause: error });
  }

  return function validation({ side, method }) {
    if (side === "client" || !isChecked(method)) return NO_HOOKS;
    return {
      onReceive(request) {
        const { input, toMessage } = schemaOf(method);
        check(input, toMessage(request));
      },
    };
  };
}

function toRefusal(violations: readonly Violation[]): StatusError {
  const told = violations.slice(0, MAX_VIOLATIONS).map(({ field, message }) => ({
    field: shorten(pathToString(field)),
    description: shorten(message),
  }));
  const [first] = told.map(({ field, description }) => (field === "" ? description : `${field}: ${description}`));
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  return new StatusError("INVALID_ARGUMENT", `${first}${more}`, { reason: "VALIDATION_FAILED", violations: told });
}

/** Keys of maps are part of a path, and as long as a caller makes them. */
const shorten = (text: string): string =>
  text.length <= MAX_TEXT_LENGTH ? text : `${text.slice(0, MAX_TEXT_LENGTH - 1).toWellFormed()}…`;
