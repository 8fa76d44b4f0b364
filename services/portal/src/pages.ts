import type { IncomingMessage, ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import sirv, { type Options } from 'sirv';
import { PAGE_HEADERS } from './page-headers.ts';

/** Answers a GET or HEAD of a page. */
export type Pages = (request: IncomingMessage, response: ServerResponse) => void;

const OURS = fileURLToPath(new URL('../pages', import.meta.url));
const SWAGGER_UI = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));

const SWAGGER_UI_PATH = '/docs/swagger-ui/';
// The rest of the package is for other uses.
const SWAGGER_UI_FILES = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png']);

// Browsers ask each time whether a file has changed, so that a page never mixes two releases.
const OPTIONS: Options = {
  etag: true,
  maxAge: 0,
  setHeaders: (response) => response.setHeaders(new Headers(PAGE_HEADERS)),
};

/** The pages of the folder `pages`, and the files of Swagger UI that `/docs` needs. The files are listed once, now. */
export function createPages(): Pages {
  const ours = sirv(OURS, OPTIONS);
  const swaggerUi = sirv(SWAGGER_UI, OPTIONS);

  return (request, response) => {
    const notFound = () => response.writeHead(404, PAGE_HEADERS).end('there is no such page\n');
    const [path = ''] = request.url?.split('?') ?? [];
    if (path === '/') return response.writeHead(302, { ...PAGE_HEADERS, location: '/docs' }).end();
    if (!path.startsWith(SWAGGER_UI_PATH)) return ours(request, response, () => void notFound());
    const file = path.slice(SWAGGER_UI_PATH.length);
    if (!SWAGGER_UI_FILES.has(file)) return notFound();
    request.url = `/${file}`;
    return swaggerUi(request, response, () => void notFound());
  };
}
