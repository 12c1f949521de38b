import type { DescService } from "@bufbuild/protobuf";
import { StatusError } from "@tenon/errors";
import { type Handlers, type Implementation, implement } from "@tenon/grpc";

/** As `implement`, for a test that needs some methods of a contract: the others, and whatever it gets later, are UNIMPLEMENTED. */
export function implementPart<S extends DescService>(service: S, handlers: Partial<Handlers<S>>): Implementation {
  const refuse = () => {
    throw new StatusError("UNIMPLEMENTED", "not a part of this test");
  };
  const others = Object.fromEntries(service.methods.map(({ localName }) => [localName, refuse]));
  return implement(service, { ...others, ...handlers } as Handlers<S>);
}
