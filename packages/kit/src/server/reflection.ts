import { readFileSync } from 'node:fs';
import type { Server } from '@grpc/grpc-js';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { descriptorSetPath } from '@realmkeep/proto/descriptors';

/** Serves `grpc.reflection` (v1 and v1alpha) for these services, without tokens. */
export function serveReflection(server: Server, services: string[]): void {
  const contract = loadFileDescriptorSetFromBuffer(readFileSync(descriptorSetPath));
  new ReflectionService(contract, { services }).addToServer(server);
}
