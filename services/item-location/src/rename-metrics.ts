import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';

/** What is measured of the renames. */
export type RenameMetrics = ReturnType<typeof createRenameMetrics>;

/** Each process reports what is pending, whichever of them does it: their greatest is what there is, not their sum. */
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
    done(batch: { renamed: number; begun: number }): void {
      rows.add(batch.renamed);
      pending = batch.begun;
    },
  };
}
