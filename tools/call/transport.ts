import type { Interceptor, Transport } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { createGrpcWebTransport } from '@connectrpc/connect-web';

/**
 * A transport to the ingress, or to one service past it, at `address` (`host:port`): gRPC over HTTP/2, or with `web`
 * gRPC-Web by fetch, the way a browser does. The token, when given, goes with every call. `close` ends the connection
 * and whatever is still under way on it.
 */
export function createTransport({
  address,
  token,
  web = false,
}: {
  address: string;
  token?: string | undefined;
  web?: boolean;
}): { transport: Transport; close: () => void } {
  const interceptors: Interceptor[] = token === undefined ? [] : [bearer(token)];
  const baseUrl = `http://${address}`;
  if (web) {
    return { transport: createGrpcWebTransport({ baseUrl, interceptors }), close: () => {} };
  }
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createGrpcTransport({ baseUrl, interceptors, sessionManager });
  return { transport, close: () => sessionManager.abort() };
}

function bearer(token: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${token}`);
    return next(request);
  };
}
