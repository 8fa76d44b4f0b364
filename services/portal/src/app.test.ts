import { request } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type App, startApp } from './app.ts';
import { readSettings } from './config.ts';

let app: App;

beforeEach(async () => {
  const waits = { DRAIN_DELAY_MS: '0', DRAIN_TIMEOUT_MS: '20000' };
  app = await startApp(
    readSettings({ HOST: '127.0.0.1', HTTP_PORT: '0', METRICS_PORT: '0', LOG_LEVEL: 'silent', ...waits }),
  );
});
afterEach(() => app.drain());

function get(path: string, { method = 'GET', headers = {} }: { method?: string; headers?: object } = {}) {
  const url = `http://127.0.0.1:${app.httpPort}${path}`;
  return fetch(url, { method, headers: { connection: 'close', ...headers }, redirect: 'manual' });
}

/** A path as it is: fetch would tidy it up. */
function statusOf(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: app.httpPort, path, agent: false }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    });
    asked.once('error', reject).end();
  });
}

test.each([
  ['/docs', 'text/html', '<main id="docs">'],
  ['/docs/', 'text/html', '<main id="docs">'],
  ['/docs/docs.js', 'text/javascript', '/openapi.yaml'],
  ['/docs/docs.css', 'text/css', 'body'],
  ['/docs/swagger-ui/swagger-ui-bundle.js', 'text/javascript', 'SwaggerUIBundle'],
  ['/docs/swagger-ui/swagger-ui.css', 'text/css', '.swagger-ui'],
  ['/openapi.yaml', 'text/yaml', 'openapi: 3.1.0'],
])('serves %s', async (path, type, words) => {
  const response = await get(path);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toContain(type);
  expect(await response.text()).toContain(words);
});

test('the start page is the API documents', async () => {
  const response = await get('/');
  expect([response.status, response.headers.get('location')]).toEqual([302, '/docs']);
});

test('scripts and styles come from here alone', async () => {
  for (const path of ['/', '/docs', '/docs/docs.js', '/openapi.yaml', '/nowhere']) {
    const { headers } = await get(path);
    expect(headers.get('content-security-policy'), path).toContain("default-src 'none'; script-src 'self'");
    expect(headers.get('x-content-type-options'), path).toBe('nosniff');
  }
  const page = await (await get('/docs')).text();
  expect(page.match(/(?:src|href)="(?!\/)/)).toBe(null);
});

test('a file that has not changed is not sent again', async () => {
  const first = await get('/openapi.yaml');
  await first.text();
  const again = await get('/openapi.yaml', { headers: { 'if-none-match': first.headers.get('etag') } });
  expect(again.status).toBe(304);
  expect(first.headers.get('cache-control')).toBe('public,max-age=0,must-revalidate');
});

test('nothing but its pages is served', async () => {
  const outside = ['/docs/../../package.json', '/docs/%2e%2e/%2e%2e/package.json', '/..%2fpackage.json', '/%', '//x'];
  for (const path of ['/nowhere', '/docs/swagger-ui/package.json', '/docs/swagger-ui/index.html', ...outside]) {
    expect(await statusOf(path), path).toBe(404);
  }
});

test('what is no GET or HEAD is refused', async () => {
  const refused = await get('/docs', { method: 'POST' });
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  const head = await get('/docs', { method: 'HEAD' });
  expect([head.status, await head.text()]).toEqual([200, '']);
});

test('it is measured', async () => {
  const scraped = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, { headers: { connection: 'close' } });
  expect(await scraped.text()).toContain('process_');
});

test('a drain tells those who balance first, and lets running requests finish', async () => {
  const late = await startApp(
    readSettings({
      HOST: '127.0.0.1',
      HTTP_PORT: '0',
      METRICS_PORT: '0',
      LOG_LEVEL: 'silent',
      DRAIN_DELAY_MS: '60000',
    }),
  );
  const ended = new AbortController();
  const drained = late.drain(ended.signal);
  const health = await fetch(`http://127.0.0.1:${late.httpPort}/healthz`);
  expect([health.status, health.headers.get('connection')]).toEqual([503, 'close']);
  expect((await fetch(`http://127.0.0.1:${late.httpPort}/docs`)).status).toBe(200);
  ended.abort();
  await drained;
  await expect(fetch(`http://127.0.0.1:${late.httpPort}/docs`)).rejects.toThrow();
});
