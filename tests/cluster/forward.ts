import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type Forward = { address: string; close(): Promise<void> };

/** Reaches a port of a pod or Service from here, until it is closed or the pod ends: `forward(ns, 'svc/name', 5432)`. */
export async function forward(namespace: string, target: string, port: number): Promise<Forward> {
  const child = spawn('kubectl', ['--namespace', namespace, 'port-forward', target, `:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  const address = await new Promise<string>((resolve, reject) => {
    const listen = (bytes: Buffer) => {
      told += bytes;
      const local = /Forwarding from (127\.0\.0\.1:\d+)/.exec(told)?.[1];
      if (local) resolve(local);
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    child.once('close', () => reject(new Error(`port-forward to ${target} ended: ${told}`)));
  });
  const ended = once(child, 'close');
  return {
    address,
    close: async () => {
      child.kill();
      await ended;
    },
  };
}
