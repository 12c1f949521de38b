import type { DescService } from "@bufbuild/protobuf";
import { Channel, compressionAlgorithms, type ClientOptions as GrpcClientOptions } from "@grpc/grpc-js";
import { defendClients } from "./client-defences.ts";
import { registerJudgedAddresses } from "./judged-addresses.ts";
import { createServiceConfig } from "./service-config.ts";
import { type ClientTls, createClientCredentials, type Renewable } from "./tls.ts";
import { type ClientTransport, type ClientTransportCall, DEFAULT_MAX_MESSAGE_BYTES } from "./transport.ts";

export interface ChannelOptions {
  /** Largest response; by default 4 MiB. RESOURCE_EXHAUSTED beyond. */
  maxReceiveMessageBytes?: number;
  /** Largest request; by default 4 MiB. RESOURCE_EXHAUSTED beyond. */
  maxSendMessageBytes?: number;
  /** Connects by TLS; in the clear without. `{}` trusts the roots that come with Node. Unusable PEM throws at once. */
  tls?: ClientTls | Renewable<ClientTls> | undefined;
  /** How requests are compressed; by default they are not. */
  compression?: "gzip" | "deflate";
  /** Pings an idle connection under open calls after `timeMs` and gives it up after `timeoutMs`; by default it does not. */
  keepalive?: { timeMs: number; timeoutMs: number };
}

/** Bytes of a call kept for a retry; grpc-js's own megabyte lets uploads run that far ahead of the server. */
const RETRY_BUFFER_BYTES = 64 * 1024;

/**
 * From one look-up of a name to the next, which a lost connection asks for; grpc-js's own half a minute comes on top of the
 * time for which DNS servers remember an answer, and a server that goes would have to wait for both.
 */
const RESOLUTION_INTERVAL_MS = 5000;

/**
 * From one attempt to connect to the next. grpc-js's own delays grow from one second to two minutes: a server that took long
 * to come back would be left alone for as long again, and another one could not be restarted meanwhile.
 */
const FIRST_RECONNECT_MS = 200;
const LONGEST_RECONNECT_MS = 2000;

/**
 * Calls over grpc-js channels: one that retries as the contract allows and one that does not, but for what no server has
 * looked at (gRFC A6, transparent retries). Both balance over all addresses of the target and leave out those that keep
 * failing.
 */
export function createChannelTransport(service: DescService, target: string, options: ChannelOptions): ClientTransport {
  const {
    maxReceiveMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    maxSendMessageBytes = DEFAULT_MAX_MESSAGE_BYTES,
    compression,
    keepalive,
  } = options;
  const channelOptions: GrpcClientOptions = {
    "grpc.max_receive_message_length": maxReceiveMessageBytes,
    "grpc.max_send_message_length": maxSendMessageBytes,
    "grpc.per_rpc_retry_buffer_size": RETRY_BUFFER_BYTES,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.dns_min_time_between_resolutions_ms": RESOLUTION_INTERVAL_MS,
    "grpc.initial_reconnect_backoff_ms": FIRST_RECONNECT_MS,
    "grpc.max_reconnect_backoff_ms": LONGEST_RECONNECT_MS,
    // A connection for each channel: a shared one would bring its backoff along to a new client of the same address.
    "grpc.use_local_subchannel_pool": 1,
    ...(compression && { "grpc.default_compression_algorithm": compressionAlgorithms[compression] }),
    ...(keepalive && {
      "grpc.keepalive_time_ms": keepalive.timeMs,
      "grpc.keepalive_timeout_ms": keepalive.timeoutMs,
    }),
  };
  defendClients();
  registerJudgedAddresses();
  const credentials = createClientCredentials(options.tls);
  const createChannel = (retries: boolean) =>
    new Channel(target, credentials, {
      ...channelOptions,
      "grpc.service_config": JSON.stringify(createServiceConfig(service, retries)),
    });
  let retrying: Channel | undefined;
  let plain: Channel | undefined;
  return {
    // Compressed messages would overtake each other on their way through zlib.
    maxPendingWrites: compression ? 1 : 16,
    open(path, deadline, retries) {
      if (retries) retrying ??= createChannel(true);
      else plain ??= createChannel(false);
      const channel = (retries ? retrying : plain) as Channel;
      return channel.createCall(path, deadline, undefined, null, null) as unknown as ClientTransportCall;
    },
    close() {
      retrying?.close();
      plain?.close();
    },
  };
}
