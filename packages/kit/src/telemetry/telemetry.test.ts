import { afterEach, expect, test } from 'vitest';
import { counterFromZero } from './counter-from-zero.ts';
import { TELEMETRY_HERE } from './telemetry.fixture.ts';
import { openTelemetry, type Telemetry } from './telemetry.ts';

let telemetry: Telemetry;
afterEach(() => telemetry.close());

const settings = { ...TELEMETRY_HERE, TRACE_SAMPLE_RATIO: 0.5 };

test('a scrape shows the calls by method and code, the process, and what a service measures itself', async () => {
  telemetry = await openTelemetry('a-service', settings);
  const { record } = telemetry.callDurations;
  record('pkg.Service/Method', 0, 0.0004);
  record('pkg.Service/Method', 0, 0.02);
  record('pkg.Service/Method', 5, 20);
  telemetry.meter.createCounter('own.things').add(3);

  const address = `http://127.0.0.1:${telemetry.metricsPort}`;
  const text = await (await fetch(`${address}/metrics`)).text();
  const call = 'rpc_method="pkg.Service/Method",rpc_response_status_code';
  expect(text).toContain(`rpc_server_call_duration_count{${call}="OK"} 2`);
  expect(text).toContain(`rpc_server_call_duration_bucket{${call}="OK",le="0.0005"} 1`);
  expect(text).toContain(`rpc_server_call_duration_bucket{${call}="OK",le="0.025"} 2`);
  expect(text).toContain(`rpc_server_call_duration_bucket{${call}="NOT_FOUND",le="10"} 0`);
  expect(text).toContain(`rpc_server_call_duration_bucket{${call}="NOT_FOUND",le="+Inf"} 1`);
  expect(text).toContain('own_things_total 3');
  expect(text).toMatch(/nodejs_eventloop_utilization \d/);
  expect(text).toMatch(/process_memory\{kind="rss"\} \d+/);

  expect((await fetch(`${address}/`)).status).toBe(404);
  expect((await fetch(`${address}/metrics`, { method: 'POST' })).status).toBe(405);
});

test('a counter from zero is shown before anything is counted', async () => {
  telemetry = await openTelemetry('a-service', settings);
  counterFromZero(telemetry.meter, 'rare.things', { description: 'What is rare' });
  const text = await (await fetch(`http://127.0.0.1:${telemetry.metricsPort}/metrics`)).text();
  expect(text).toContain('rare_things_total 0');
});

test('without an endpoint nothing is traced; with one, spans are made', async () => {
  telemetry = await openTelemetry('a-service', settings);
  expect(telemetry.sampleRatio).toBe(0);
  await telemetry.close();
  telemetry = await openTelemetry('a-service', { ...settings, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1/' });
  expect(telemetry.sampleRatio).toBe(0.5);
  expect(telemetry.tracer.startSpan('x').isRecording()).toBe(true);
});
