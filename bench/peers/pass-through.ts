import { ResponderBuilder, ServerInterceptingCall, type ServerInterceptor, ServerListenerBuilder } from "@grpc/grpc-js";

/** A native interceptor that looks at each moment of a call at which one of ours can act, and changes nothing. */
export const passThrough: ServerInterceptor = (_method, call) =>
  new ServerInterceptingCall(
    call,
    new ResponderBuilder()
      .withStart((next) =>
        next(
          new ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, pass) => pass(metadata))
            .withOnReceiveMessage((message, pass) => pass(message))
            .withOnReceiveHalfClose((pass) => pass())
            .withOnCancel(() => {})
            .build(),
        ),
      )
      .withSendMetadata((metadata, pass) => pass(metadata))
      .withSendMessage((message, pass) => pass(message))
      .withSendStatus((status, pass) => pass(status))
      .build(),
  );
