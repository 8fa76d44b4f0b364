import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { create, toBinary } from '@bufbuild/protobuf';
import { GetItemLocationRequestSchema } from '@realmkeep/proto/realmkeep/item_location/v1/item_location_service';

/** The headers of an answer to GetItemLocation, which the clients of the kit do not show. */
export async function responseHeaders(
  address: string,
  { gameItemId, token }: { gameItemId: string; token: string },
): Promise<IncomingHttpHeaders> {
  const request = toBinary(GetItemLocationRequestSchema, create(GetItemLocationRequestSchema, { gameItemId }));
  const session = connect(`http://${address}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': '/realmkeep.item_location.v1.ItemLocationService/GetItemLocation',
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${token}`,
  });
  stream.end(Buffer.concat([Buffer.from([0, 0, 0, 0, request.length]), request]));
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  stream.resume();
  await once(stream, 'close');
  session.close();
  return headers;
}
