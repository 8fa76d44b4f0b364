import type { CallContext } from '@realmkeep/kit/server/implementation';

/** Tells where an answer came from, how old it is, and the version of what it shows. */
export function tell(
  context: Pick<CallContext, 'header'>,
  { source, asOf, version }: { source: string; asOf?: Date; version?: bigint | string },
) {
  context.header('realmkeep-source', source);
  if (asOf) context.header('realmkeep-age-ms', `${Math.max(0, Date.now() - asOf.getTime())}`);
  if (version !== undefined) context.header('realmkeep-version', `${version}`);
}
