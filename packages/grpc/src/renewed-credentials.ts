import { isIP } from "node:net";
import type { SecureContext } from "node:tls";
import { type CallCredentials, ChannelCredentials } from "@grpc/grpc-js";

/** What grpc-js connects by; its types do not name it. */
type Connector = ReturnType<ChannelCredentials["_createSecureConnector"]>;
type ConnectorArguments = Parameters<ChannelCredentials["_createSecureConnector"]>;

/** Client credentials that ask for their certificates with each connection. */
export function createRenewedCredentials(newest: () => SecureContext): ChannelCredentials {
  return new RenewedCredentials(newest);
}

class RenewedCredentials extends ChannelCredentials {
  private readonly newest: () => SecureContext;
  constructor(newest: () => SecureContext) {
    super();
    this.newest = newest;
  }

  override compose(): ChannelCredentials {
    throw new Error("credentials of calls are metadata here");
  }
  override _isSecure(): boolean {
    return true;
  }
  override _equals(other: ChannelCredentials): boolean {
    return this === other;
  }
  override _createSecureConnector(...[target, options, calls]: ConnectorArguments): Connector {
    const now = () => ChannelCredentials.createFromSecureContext(this.newest());
    const first = now()._createSecureConnector(target, options, calls as CallCredentials);
    return {
      connect: (socket) => namedByHost(now()._createSecureConnector(target, options, calls)).connect(socket),
      waitForReady: () => first.waitForReady(),
      getCallCredentials: () => first.getCallCredentials(),
      destroy: () => first.destroy(),
    };
  }
}

/** An address is no server name (RFC 6066, 3), and Node warns of it; the certificate is checked by the host all the same. */
function namedByHost(connector: Connector): Connector {
  const { connectionOptions } = connector as unknown as { connectionOptions?: { servername?: string } };
  if (isIP(connectionOptions?.servername ?? "")) delete connectionOptions?.servername;
  return connector;
}
