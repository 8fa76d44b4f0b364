import { SpanKind } from '@opentelemetry/api';
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ItemCatalogService } from '@realmkeep/proto/realmkeep/player_state/v1/item_catalog_service';
import { afterEach, expect, test } from 'vitest';
import { defineRefusals } from '../errors/refusals.ts';
import { answering } from './answering.fixture.ts';
import type { CallContext } from './implementation.ts';
import { rejection, type ServerFixture, startServerFixture } from './server.fixture.ts';

const refusals = defineRefusals('test.realmkeep', { NOPE: 'NOT_FOUND' });
const item = { itemId: 'iron-sword' };
let fixture: ServerFixture;
let spans: InMemorySpanExporter;
let provider: TracerProvider;
let seen: CallContext[] = [];
afterEach(async () => {
  await fixture.close();
  await provider.shutdown();
});

async function serve(sampleRatio: number) {
  spans = new InMemorySpanExporter();
  provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    spanProcessors: [new SimpleSpanProcessor({ exporter: spans })],
  });
  seen = [];
  const getItem = async (_request: unknown, context: CallContext) => {
    seen.push(context);
    return new Uint8Array();
  };
  const listItems = async () => {
    throw refusals.NOPE('no');
  };
  const implementations = [answering(ItemCatalogService, { getItem, listItems })];
  fixture = await startServerFixture({ implementations, tracer: provider.getTracer('test'), sampleRatio });
  return fixture.client(ItemCatalogService, await fixture.tokens.token({ role: 'server', subject: 's' }));
}

const trace = (sampled: boolean) => ({ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled });
const within = (sampled: boolean) => ({
  context: { deadline: undefined, signal: new AbortController().signal, trace: trace(sampled) },
});

test('a sampled call has one span, a child of its caller’s, and its handler knows it', async () => {
  const client = await serve(0.000001);
  await client.getItem(item, within(true));
  await expect.poll(() => spans.getFinishedSpans()).toHaveLength(1);
  const [span] = spans.getFinishedSpans();
  expect(span).toMatchObject({
    name: 'realmkeep.player_state.v1.ItemCatalogService/GetItem',
    kind: SpanKind.SERVER,
    attributes: { 'rpc.response.status_code': 'OK' },
  });
  expect(span!.spanContext().traceId).toBe('a'.repeat(32));
  expect(span!.parentSpanContext?.spanId).toBe('b'.repeat(16));
  expect(seen[0]!.trace).toMatchObject({ spanId: span!.spanContext().spanId, sampled: true });
});

test('a call that its caller did not sample makes no span, whatever the ratio', async () => {
  const client = await serve(1);
  await client.getItem(item, within(false));
  expect(spans.getFinishedSpans()).toHaveLength(0);
  expect(seen[0]!.trace).toEqual(trace(false));
});

test('a refusal is measured and traced with its code', async () => {
  const client = await serve(1);
  await rejection(client.listItems({}, within(true)));
  await expect.poll(() => spans.getFinishedSpans()).toHaveLength(1);
  expect(spans.getFinishedSpans()[0]!.attributes['rpc.response.status_code']).toBe('NOT_FOUND');
});
