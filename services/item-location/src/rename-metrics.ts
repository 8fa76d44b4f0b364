import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';

/** What is measured of the renames. */
export type RenameMetrics = ReturnType<typeof createRenameMetrics>;

/** Only a process that has just done a batch reports what is pending. */
export function createRenameMetrics(meter: Telemetry['meter']) {
  const rows = meter.createCounter('item_location.rename.rows', { description: 'Rows brought to a changed name' });
  let pending: number | undefined;
  meter
    .createObservableGauge('item_location.rename.pending', {
      description: 'Changed names that some rows still show as they were',
    })
    .addCallback((result) => {
      if (pending !== undefined) result.observe(pending);
    });
  return {
    done(batch: { renamed: number; pending: number }): void {
      rows.add(batch.renamed);
      pending = batch.pending;
    },
  };
}
