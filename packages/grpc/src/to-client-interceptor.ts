import type { InterceptingCall, Interceptor as NativeInterceptor } from "@grpc/grpc-js";
import type { Interceptor } from "./call.ts";
import { ClientCall } from "./client-call.ts";
import { defendClients } from "./client-defences.ts";
import { CLIENT_DEFENCES, type ClientDefence, defencesExcept } from "./defences.ts";
import { warn } from "./hooked-call.ts";
import { createMethodTable, type NativeOptions } from "./to-server-interceptor.ts";
import type { ClientTransportCall } from "./transport.ts";

export interface NativeClientOptions extends NativeOptions {
  /** Leaves these out of what mends grpc-js, each with the consequence that `CLIENT_DEFENCES` tells; by default none. */
  withoutDefences?: readonly ClientDefence[];
}

/**
 * A chain for any grpc-js client: `new Client(address, credentials, { interceptors: [toClientInterceptor([...])] })`.
 * It must be the last in that list, next to the wire, to see the true status of each call.
 */
export function toClientInterceptor(
  interceptors: readonly Interceptor[],
  { services = [], onError = warn, withoutDefences }: NativeClientOptions = {},
): NativeInterceptor {
  const defences = defencesExcept(CLIENT_DEFENCES, withoutDefences);
  defendClients();
  const methodFor = createMethodTable(services);
  return (options, nextCall) => {
    const { path, requestStream, responseStream } = options.method_definition;
    const asked = options.deadline === undefined ? Number.POSITIVE_INFINITY : Number(options.deadline);
    const call = new ClientCall({
      method: methodFor(path, requestStream, responseStream),
      interceptors,
      deadline: asked,
      onError,
      defences,
      open: ({ deadline }) =>
        nextCall(deadline === asked ? options : { ...options, deadline }) as unknown as ClientTransportCall,
    });
    return call as unknown as InterceptingCall;
  };
}
