import { createHash } from 'node:crypto';
import type { Cluster } from 'ioredis';
import { slotOf } from './slot.ts';

/** Runs a script on the node of its keys, which must share a slot. Answers what the script returns. */
export type RedisScript = (keys: string[], args: Argument[]) => Promise<unknown>;

type Argument = string | number | Buffer;

type Call = {
  keys: string[];
  args: Argument[];
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
};

/**
 * A Lua script that is sent by its digest, and whole to a node that does not have it yet. The calls of one turn of the
 * event loop travel together to each node, each by itself once there. A call may run twice when its first answer was lost.
 */
export function createScript(
  redis: Pick<Cluster, 'eval' | 'evalsha' | 'pipeline' | 'slots'>,
  lua: string,
): RedisScript {
  const digest = createHash('sha1').update(lua).digest('hex');
  let gathered: Call[] = [];

  function flush(): void {
    // The library takes as a pipeline what goes to one master with the same replicas.
    const nodes = Map.groupBy(gathered, ({ keys }) => redis.slots[slotOf(keys[0]!)]?.join());
    gathered = [];
    for (const [node, calls] of nodes) {
      if (node === undefined || calls.length === 1) for (const call of calls) void sendOne(call);
      else void sendTogether(calls);
    }
  }

  function sendOne(call: Call): Promise<void> {
    const { keys, args, resolve, reject } = call;
    return redis.evalsha(digest, keys.length, ...keys, ...args).then(resolve, (error: Error) => {
      if (isUnknown(error)) sendWhole(call);
      else reject(error);
    });
  }

  function sendWhole({ keys, args, resolve, reject }: Call): void {
    redis.eval(lua, keys.length, ...keys, ...args).then(resolve, reject);
  }

  async function sendTogether(calls: Call[]): Promise<void> {
    const pipeline = redis.pipeline();
    for (const { keys, args } of calls) pipeline.evalsha(digest, keys.length, ...keys, ...args);
    const answers = await pipeline.exec().catch((error: Error) => error);
    for (const [index, call] of calls.entries()) {
      const [error, answer] = answers instanceof Error ? [answers] : (answers?.[index] ?? [new Error('no answer')]);
      if (!error) call.resolve(answer);
      else if (isUnknown(error)) sendWhole(call);
      else call.reject(error);
    }
  }

  return (keys, args) =>
    new Promise((resolve, reject) => {
      if (gathered.length === 0) setImmediate(flush);
      gathered.push({ keys, args, resolve, reject });
    });
}

/** Whether the node does not have the script. */
function isUnknown(error: Error): boolean {
  return error.message.startsWith('NOSCRIPT');
}
