import type { Meter, ObservableResult } from '@opentelemetry/api';
import type { WatchedNode } from './node-set.ts';
import type { Reader } from './reader.ts';

export type NodeMetrics = {
  read(source: Reader['source']): void;
  close(): void;
};

/** Counts reads by their source, and shows the pool and the lag of each node whenever metrics are collected. */
export function observeNodes(meter: Meter, nodes: readonly WatchedNode[]): NodeMetrics {
  const reads = meter.createCounter('postgres.reads', { description: 'Reads by the role of the node that did them' });
  const labels = { replica: { source: 'replica' }, primary: { source: 'primary' } };

  const observed: [
    name: string,
    description: string,
    unit: string,
    value: (watched: WatchedNode) => number | undefined,
  ][] = [
    ['postgres.pool.waiting', 'Works that wait for a connection', '', ({ node }) => node.pool.waitingCount],
    ['postgres.pool.connections', 'Open connections', '', ({ node }) => node.pool.totalCount],
    ['postgres.pool.idle', 'Open connections without work', '', ({ node }) => node.pool.idleCount],
    ['postgres.node.up', 'Whether the node answers', '', ({ known }) => (known ? 1 : 0)],
    ['postgres.node.primary', 'Whether the node is a primary', '', ({ known }) => (known?.role === 'primary' ? 1 : 0)],
    ['postgres.node.lag', 'Age of the data of a replica', 'ms', ({ known }) => known?.lagMs],
  ];
  const ends = observed.map(([name, description, unit, value]) => {
    const gauge = meter.createObservableGauge(name, { description, unit });
    const observe = (result: ObservableResult) => {
      for (const watched of nodes) {
        const seen = value(watched);
        if (seen !== undefined && Number.isFinite(seen)) result.observe(seen, { node: watched.node.name });
      }
    };
    gauge.addCallback(observe);
    return () => gauge.removeCallback(observe);
  });

  return {
    read: (source) => reads.add(1, labels[source]),
    close: () => {
      for (const end of ends) end();
    },
  };
}
