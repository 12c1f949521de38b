import type { DescService } from "@bufbuild/protobuf";
import type { ServerInterceptingCall, ServerInterceptingCallInterface, ServerInterceptor } from "@grpc/grpc-js";
import type { Interceptor, Method } from "./call.ts";
import { type OnError, warn } from "./hooked-call.ts";
import { methodOf, methodOfPath } from "./method.ts";
import { ServerCall, type ServerCallOptions } from "./server-call.ts";

/** Our call between grpc-js's own and a handler of its own shape: what only such handlers ask for is passed on. */
export class NativeServerCall extends ServerCall {
  private readonly native: ServerInterceptingCallInterface;

  constructor(native: ServerInterceptingCallInterface, options: ServerCallOptions) {
    super(native, options);
    this.native = native;
  }
  getHost(): string {
    return this.native.getHost();
  }
  getAuthContext(): ReturnType<ServerInterceptingCallInterface["getAuthContext"]> {
    return this.native.getAuthContext();
  }
  getConnectionInfo(): ReturnType<ServerInterceptingCallInterface["getConnectionInfo"]> {
    return this.native.getConnectionInfo();
  }
  getMetricsRecorder(): ReturnType<ServerInterceptingCallInterface["getMetricsRecorder"]> {
    return this.native.getMetricsRecorder();
  }
}

export interface NativeOptions {
  /** Descriptors of the services, where there are any: interceptors read the options of methods in them. */
  services?: readonly DescService[];
  /** Hears of errors that no caller can be told: a throwing `onEnd`. By default they become process warnings. */
  onError?: OnError;
}

/**
 * A chain for any grpc-js server: `new Server({ interceptors: [toServerInterceptor([logging(logger)])] })`. It must be the
 * first in that list, next to the wire, to see the true status of each call. Calls of methods that the server does not
 * have are answered by grpc-js before any interceptor.
 */
export function toServerInterceptor(
  interceptors: readonly Interceptor[],
  { services = [], onError = warn }: NativeOptions = {},
): ServerInterceptor {
  const methodFor = createMethodTable(services);
  const live = new Set<ServerCall>();
  return ({ path, requestStream, responseStream }, native) => {
    const method = methodFor(path, requestStream, responseStream);
    const call = new NativeServerCall(native, { method, interceptors, onError, live });
    return call as unknown as ServerInterceptingCall;
  };
}

/** One Method object for each path, so that interceptors may keep what they know of it. The paths are the server's own, so few. */
export function createMethodTable(services: readonly DescService[]) {
  const methods = new Map<string, Method>(services.flatMap((s) => s.methods.map(methodOf)).map((m) => [m.path, m]));
  return (path: string, requestStream: boolean, responseStream: boolean): Method => {
    let method = methods.get(path);
    if (method === undefined) {
      method = methodOfPath(path, requestStream, responseStream);
      methods.set(path, method);
    }
    return method;
  };
}
