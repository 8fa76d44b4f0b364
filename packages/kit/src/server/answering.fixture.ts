import type { DescService } from '@bufbuild/protobuf';
import type { Handlers, Implementation } from './implementation.ts';

/** A service of the contract whose RPCs answer empty messages unless told otherwise, however many it has. */
export function answering<S extends DescService>(service: S, handlers: Partial<Handlers<S>> = {}): Implementation {
  const empty = service.methods.map(({ localName, methodKind }) => [
    localName,
    methodKind === 'server_streaming' ? emptyStream : async () => new Uint8Array(),
  ]);
  return { service, handlers: { ...Object.fromEntries(empty), ...handlers } };
}

async function* emptyStream() {
  yield new Uint8Array();
}
