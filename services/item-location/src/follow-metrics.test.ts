import type { Telemetry } from '@realmkeep/kit/telemetry/telemetry';
import { openTestTelemetry } from '@realmkeep/kit/telemetry/telemetry.fixture';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFollowMetrics } from './follow-metrics.ts';

const HOUR_MS = 60 * 60 * 1_000;

let telemetry: Telemetry;

beforeAll(async () => {
  telemetry = await openTestTelemetry('item-location');
});
afterAll(() => telemetry.close());

async function lag(): Promise<number | undefined> {
  const url = `http://127.0.0.1:${telemetry.metricsPort}/metrics`;
  const response = await fetch(url, { headers: { connection: 'close' } });
  const told = /^item_location_follow_lag\w*(?:\{[^}]*\})? (\S+)/m.exec(await response.text())?.[1];
  return told === undefined ? undefined : Number(told);
}

test('within a snapshot the lag grows, and it is absent until the process has come to a position', async () => {
  const metrics = createFollowMetrics(telemetry.meter);
  const chunk = () => ({ position: undefined, asOf: new Date(), size: 1 });
  metrics.applied(chunk(), 0);
  expect(await lag()).toBeUndefined();
  const anHourAgo = new Date(Date.now() - HOUR_MS);
  metrics.applied({ position: { transaction: 7n, id: 0n }, asOf: anHourAgo, size: 1 }, 0);
  metrics.applied(chunk(), 0);
  expect(await lag()).toBeGreaterThanOrEqual(HOUR_MS / 1_000);
});
