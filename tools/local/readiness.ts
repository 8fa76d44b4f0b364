import { until } from '@realmkeep/testkit/parts/until';

/** One cheap read of each deployable; any answer of its own shows that the way to it is open. */
const READS = ['/stats?area_code=0', '/v1/items?page_size=1', '/v1/locations?page_size=1', '/docs'];

/** Waits until the ingress reaches every deployable. */
export async function untilServed({
  address,
  token,
  signal,
}: {
  address: string;
  token: string;
  signal: AbortSignal | undefined;
}): Promise<void> {
  const answered = async (path: string) => {
    signal?.throwIfAborted();
    const response = await fetch(`${address}${path}`, {
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
      signal: AbortSignal.timeout(5_000),
    });
    await response.arrayBuffer();
    return response.ok;
  };
  await Promise.all(
    READS.map((path) =>
      until(async () => signal?.aborted || (await answered(path)), {
        what: `${address}${path} to answer`,
        within: 30_000,
        every: 50,
      }),
    ),
  );
  signal?.throwIfAborted();
}
