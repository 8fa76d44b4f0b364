import { fileURLToPath } from 'node:url';

/** The file that holds the compiled contract: a google.protobuf.FileDescriptorSet with all imports. */
export const descriptorSetPath = fileURLToPath(new URL('../descriptor.binpb', import.meta.url));
