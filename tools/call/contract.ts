import {
  createFileRegistry,
  type DescMethod,
  type DescService,
  type FileRegistry,
  fromBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

/** The contract as `buf build` wrote it: every service and message, the details of errors included. */
export function readContract(descriptorSet: Uint8Array): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
}

/**
 * The method that `path` names: `Service/Method`, with the package in front or without it. Throws an Error that
 * lists what there is when nothing has that name.
 */
export function findMethod(contract: FileRegistry, path: string): DescMethod {
  const services = [...contract].filter((type): type is DescService => type.kind === 'service');
  const [serviceName, methodName] = path.split('/', 2);
  const service = services.find((it) => it.typeName === serviceName || it.name === serviceName);
  if (service === undefined) {
    throw new Error(`no service "${serviceName}"; there are:\n${lines(services.map((it) => it.typeName))}`);
  }
  const method = service.methods.find((it) => it.name === methodName);
  if (method === undefined) {
    const methods = service.methods.map((it) => `${service.typeName}/${it.name}`);
    throw new Error(`no method "${methodName ?? ''}" in ${service.typeName}; there are:\n${lines(methods)}`);
  }
  return method;
}

function lines(names: string[]): string {
  return names
    .toSorted()
    .map((name) => `  ${name}`)
    .join('\n');
}
