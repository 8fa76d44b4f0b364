import type { CallContext } from '@realmkeep/kit/server/implementation';
import type { FollowedAge } from './followed-age.ts';

/** Tells where an answer came from, how old it is, and the version of what it shows. */
export function tell(
  context: Pick<CallContext, 'header'>,
  { source, asOf, version }: { source: string; asOf?: Date | number; version?: bigint | string },
) {
  context.header('realmkeep-source', source);
  if (asOf !== undefined) context.header('realmkeep-age-ms', `${Math.max(0, Date.now() - Number(asOf))}`);
  if (version !== undefined) context.header('realmkeep-version', `${version}`);
}

/** Tells how old the news of player-state is, once there is any. */
export function tellFollowedAge(context: Pick<CallContext, 'header'>, followed: Pick<FollowedAge, 'ms'>): void {
  const ms = followed.ms();
  if (ms !== undefined) context.header('realmkeep-followed-age-ms', `${ms}`);
}

/** Tells where an answer came from and how old it is. */
export function tellAge(
  context: Pick<CallContext, 'header'>,
  { source, asOf }: { source: string; asOf: Date | number },
): void {
  tell(context, { source, asOf });
}
