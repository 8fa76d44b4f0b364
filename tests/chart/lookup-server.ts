import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** As much of a Kubernetes API as helm's `lookup` asks for: a list of objects, each in the namespace realmkeep. */
export type LookupServer = { url: string; close(): Promise<void> };

type Resource = { group: string; kind: string; plural: string };

const KINDS: Resource[] = [
  { group: 'v1', kind: 'Secret', plural: 'secrets' },
  { group: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets' },
  { group: 'postgresql.cnpg.io/v1', kind: 'Cluster', plural: 'clusters' },
];

/** Serves the objects, such as `StatefulSet/realmkeep-postgres`, until it is closed. */
export async function startLookupServer(objects: string[]): Promise<LookupServer> {
  const answers = new Map<string, object>();
  for (const { group, kind, plural } of KINDS) {
    const path = group === 'v1' ? '/api/v1' : `/apis/${group}`;
    const resources = [{ name: plural, singularName: '', namespaced: true, kind, verbs: ['get', 'list'] }];
    answers.set(path, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: group, resources });
    for (const object of objects) {
      const [objectKind, name] = object.split('/');
      if (objectKind !== kind) continue;
      const metadata = { name, namespace: 'realmkeep' };
      answers.set(`${path}/namespaces/realmkeep/${plural}/${name}`, { kind, apiVersion: group, metadata });
    }
  }
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://api');
    const answer = answers.get(pathname);
    const missing = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 };
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? missing));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
