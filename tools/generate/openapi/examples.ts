import { readFileSync } from 'node:fs';
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { violationsOf } from '@realmkeep/kit/server/validator';
import { parse } from 'yaml';
import type { Rpc } from '../envoy/rpc.ts';

/** A call that can be pasted. */
export type Example = {
  /** `PlayerStateService/CreatePlayer`. */
  rpc: string;
  /** Whose token it is made with. */
  as: 'anyone' | 'player' | 'server' | 'admin';
  /** The whole request, in proto names. */
  request: Record<string, unknown>;
  /** Which fields of the request come out of an earlier example's answer: `{ game_item_id: ListItemLocations item_locations.0.game_item_id }`. */
  take?: Record<string, string>;
};

/** Reads the examples, in the order in which they make one story. */
export function readExamples(file: string): Example[] {
  return parse(readFileSync(file, 'utf8')) as Example[];
}

/** The example of an RPC. Throws when there is none, or when its request breaks a rule of the contract. */
export function exampleOf({ method, path }: Rpc, examples: readonly Example[]): Example {
  const name = `${method.parent.name}/${method.name}`;
  const [example, second] = examples.filter(({ rpc }) => rpc === name);
  if (!example || second) {
    throw new Error(
      `${path} has ${second ? 'two examples' : 'no example'}: services/portal/examples.yaml holds one for each RPC`,
    );
  }
  const fault = (words: string) => new Error(`the example of ${path} in services/portal/examples.yaml ${words}`);
  try {
    const violations = violationsOf(method.input, fromJson(method.input, example.request as JsonValue));
    if (violations.length === 0) return example;
    throw fault(`breaks a rule: ${violations.map(({ field, description }) => `${field} ${description}`).join('; ')}`);
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('the example of')) throw error;
    throw fault(`is no ${method.input.name}: ${(error as Error).message}`);
  }
}
