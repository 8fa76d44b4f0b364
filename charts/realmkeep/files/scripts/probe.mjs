import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { signToken } from './sign-token.mjs';

// `helm test`: health, the pages, and one RPC of each service by REST, through Envoy; one by gRPC and by gRPC-Web too.
// Reads only. ADDRESS is where Envoy is; KEY_FILE the private key of generated callers' keys, absent when the keys are yours: then the RPCs
// that need a token must ask for one.
const { ADDRESS, KEY_FILE } = process.env;
const GET_AREA_STATS = '/realmkeep.area_stats.v1.AreaStatsService/GetAreaStats';
const DEADLINE = Date.now() + 120_000;

const token = KEY_FILE && signToken(readFileSync(KEY_FILE, 'utf8'), { role: 'server', subject: 'helm-test' });
const guarded = (path) => async () => {
  const { status, text } = await get(path, token ? { authorization: `Bearer ${token}` } : {});
  if (token) return demand(status === 200, status, text);
  demand(status === 401 && JSON.parse(text).code === 16, status, text);
};
const open = (path) => async () => {
  const { status, text } = await get(path);
  demand(status === 200, status, text);
};

const probes = {
  health: open('/healthz'),
  'pages: /openapi.yaml': open('/openapi.yaml'),
  'area-stats: GetAreaStats': open('/stats?area_code=helm-test'),
  'player-state: ListItems': guarded('/v1/items?page_size=1'),
  'item-location: ListLocations': guarded('/v1/locations?page_size=1'),
  'area-stats: GetAreaStats by gRPC': grpc,
  'area-stats: GetAreaStats by gRPC-Web': grpcWeb,
};

let failed = 0;
for (const [name, probe] of Object.entries(probes)) {
  const fault = await untilAnswered(probe);
  console.log(`${fault ? 'FAILED' : 'ok    '}  ${name}${fault ? `: ${fault.message}` : ''}`);
  if (fault) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;

/** Tries again while the release comes up. */
async function untilAnswered(probe) {
  for (;;) {
    try {
      await probe();
      return undefined;
    } catch (fault) {
      if (Date.now() > DEADLINE) return fault;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

function demand(met, status, text) {
  if (!met) throw new Error(`${status} ${String(text).slice(0, 300)}`);
}

async function get(path, headers = {}) {
  const response = await fetch(`${ADDRESS}${path}`, { headers, signal: AbortSignal.timeout(15_000) });
  return { status: response.status, text: await response.text() };
}

/** GetAreaStatsRequest{area_code: "helm-test"} in its frame. */
function request() {
  const code = Buffer.from('helm-test');
  const message = Buffer.concat([Buffer.from([0x0a, code.length]), code]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function grpc() {
  const session = connect(ADDRESS);
  try {
    const status = await new Promise((resolve, reject) => {
      session.once('error', reject);
      const stream = session.request({
        ':method': 'POST',
        ':path': GET_AREA_STATS,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      stream.setTimeout(15_000, () => stream.destroy(new Error('no answer in time')));
      // A refusal has its status in the headers, there being nothing else.
      stream.once('response', (headers) => headers['grpc-status'] !== undefined && resolve(headers['grpc-status']));
      stream.once('trailers', (trailers) => resolve(trailers['grpc-status']));
      stream.once('error', reject);
      stream.once('close', () => reject(new Error('the stream ended without a status')));
      stream.resume().end(request());
    });
    demand(status === '0', `grpc-status ${status}`, '');
  } finally {
    session.destroy();
  }
}

async function grpcWeb() {
  const response = await fetch(`${ADDRESS}${GET_AREA_STATS}`, {
    method: 'POST',
    headers: { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1' },
    body: request(),
    signal: AbortSignal.timeout(15_000),
  });
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
  demand(/grpc-status: ?0/.test(body), response.status, response.headers.get('grpc-message') ?? body);
}
