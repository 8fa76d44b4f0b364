import { globSync } from 'node:fs';

/** What the generators read, relative to the root of the checkout. */
export const SOURCES = [
  'proto',
  'buf.yaml',
  'buf.gen.yaml',
  'buf.lock',
  'package.json',
  'services/portal/examples.yaml',
  'services/*/prisma',
];

/** Every folder and file that the generators write whole, and nobody else, relative to the root of the checkout. */
export function generatedPaths(root: string): string[] {
  const services = globSync('services/*/prisma/schema.prisma', { cwd: root }).sort();
  return [
    'packages/proto/gen',
    'packages/proto/descriptor.binpb',
    'services/portal/pages/openapi.yaml',
    'charts/realmkeep/files/envoy/bootstrap.yaml',
    'charts/realmkeep/files/envoy/clusters.yaml',
    'charts/realmkeep/files/envoy/descriptor.binpb',
    ...services.map((schema) => schema.replace('prisma/schema.prisma', 'src/generated')),
  ];
}
