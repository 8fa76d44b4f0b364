import { ValueType } from '@opentelemetry/api';
import { hrTime } from '@opentelemetry/core';
import { emptyResource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import { codeName } from '../errors/rpc-error.ts';

const BOUNDARIES_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const DESCRIPTOR = {
  name: 'rpc.server.call.duration',
  description: 'Duration of calls by method and code',
  unit: 's',
  valueType: ValueType.DOUBLE,
};

/** The durations of the calls that a server answered, by method and code. */
export type CallDurations = {
  record(method: string, code: number, seconds: number): void;
  /** Hands them to the readers of metrics. */
  readonly producer: MetricProducer;
};

type Series = { method: string; code: number; counts: number[]; count: number; sum: number; min: number; max: number };

/**
 * Counts durations in plain arrays. An instrument of the SDK hashes its attributes at each record, which for a call that
 * is answered from memory costs as much as decoding its request.
 */
export function createCallDurations(scope: string): CallDurations {
  const startTime = hrTime();
  const series = new Map<string, Series[]>();

  function point({ method, code, counts, count, sum, min, max }: Series): DataPoint<Histogram> {
    return {
      startTime,
      endTime: hrTime(),
      attributes: { 'rpc.method': method, 'rpc.response.status_code': codeName(code) },
      value: { buckets: { boundaries: BOUNDARIES_S, counts: [...counts] }, count, sum, min, max },
    };
  }

  return {
    record(method, code, seconds) {
      let byCode = series.get(method);
      if (!byCode) {
        byCode = [];
        series.set(method, byCode);
      }
      byCode[code] ??= newSeries(method, code);
      const one = byCode[code];
      let bucket = 0;
      while (bucket < BOUNDARIES_S.length && seconds > BOUNDARIES_S[bucket]!) bucket += 1;
      one.counts[bucket]! += 1;
      one.count += 1;
      one.sum += seconds;
      if (seconds < one.min) one.min = seconds;
      if (seconds > one.max) one.max = seconds;
    },
    producer: {
      async collect() {
        const dataPoints = [...series.values()].flatMap((byCode) => byCode.filter(Boolean).map(point));
        const metric = {
          descriptor: DESCRIPTOR,
          aggregationTemporality: AggregationTemporality.CUMULATIVE,
          dataPointType: DataPointType.HISTOGRAM as const,
          dataPoints,
        };
        return {
          resourceMetrics: {
            resource: emptyResource(),
            scopeMetrics: dataPoints.length > 0 ? [{ scope: { name: scope }, metrics: [metric] }] : [],
          },
          errors: [],
        };
      },
    },
  };
}

function newSeries(method: string, code: number): Series {
  const counts = Array.from({ length: BOUNDARIES_S.length + 1 }, () => 0);
  return { method, code, counts, count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
}
