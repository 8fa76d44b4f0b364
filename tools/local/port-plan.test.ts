import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, test } from 'vitest';
import { ingressPort, PortTakenError } from './port-plan.ts';

test('a taken ingress port is refused with the port, its owner and the way to take another', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const refusal = await ingressPort(port).catch((error: Error) => error);
  server.close();
  await once(server, 'close');
  expect(refusal).toBeInstanceOf(PortTakenError);
  expect((refusal as Error).message).toContain(`port ${port} of 127.0.0.1 is taken by `);
  expect((refusal as Error).message).toContain(`(process ${process.pid})`);
  expect((refusal as Error).message).toContain(`REALMKEEP_PORT=${port + 1} npm start`);
  expect(await ingressPort(port)).toBe(port);
});
