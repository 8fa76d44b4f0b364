import { status } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import { RpcError } from '../errors/rpc-error.ts';
import { waitForSchema } from './migrate.ts';
import type { PostgresNodes } from './nodes.ts';

/**
 * Waits until the database can be reached, and has every migration of kit and of the folder; more than those is fine.
 * Says once what it waits for. Throws what is neither: a folder without migrations, a right that lacks.
 */
export async function untilMigrated(
  postgres: Pick<PostgresNodes, 'read' | 'state' | 'measured'>,
  folder: string,
  logger: Pick<Logger, 'info'>,
): Promise<void> {
  await postgres.measured();
  if (!postgres.state().readable) logger.info('waiting for the database');
  for (;;) {
    try {
      return await postgres.read(({ pool }) => waitForSchema(pool, folder, { logger }));
    } catch (fault) {
      if (!(fault instanceof RpcError) || fault.code !== status.UNAVAILABLE) throw fault;
    }
  }
}
