import { fileURLToPath } from 'node:url';
import { until } from '@realmkeep/testkit/parts/until';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Example, readExamples } from '../../../tools/generate/openapi/examples.ts';
import { type OpenApi, readOpenApi, withTaken } from '../openapi.ts';
import type { Stage } from '../stage.ts';

const EXAMPLES = readExamples(fileURLToPath(new URL('../../../services/portal/examples.yaml', import.meta.url)));
const ADA = '00000000-0000-4000-8000-000000000ada';

/** The API documents, as the portal serves them through the ingress: every example works when it is pasted. */
export function documentStories(stage: Stage): void {
  describe('the API documents', () => {
    const answers = new Map<string, unknown>();
    let openApi: OpenApi;

    beforeAll(async () => {
      openApi = readOpenApi((await stage.rest('/openapi.yaml')).body as string);
    });

    it.each(EXAMPLES.map((example): [string, Example] => [example.rpc, example]))(
      'the example of %s is answered as the document says',
      async (rpc, example) => {
        const id = rpc.split('/')[1]!;
        const token = example.as === 'anyone' ? undefined : await stage.token(example.as, ADA);
        const make = () => {
          const { method, path, body } = withTaken(openApi.exampleOf(id), example, answers);
          return stage.rest(path, { method, body, ...(token && { token }) });
        };
        // What one service wrote reaches another within milliseconds: readers of the documents are slower than that.
        let answer = await make();
        const arrived = async () => {
          if (answer.status === 200 && !(isList(id) && isEmpty(answer.body))) return true;
          answer = await make();
          return false;
        };
        await until(arrived, { what: `an answer to ${id}`, within: 20_000, every: 100 }).catch(() => undefined);
        expect({ status: answer.status, body: answer.body }).toMatchObject({ status: 200 });
        expect(openApi.faultsOf(id, answer.body)).toEqual([]);
        answers.set(id, answer.body);
      },
    );

    it('the page is open to everyone, and only to be read', async () => {
      const page = await stage.rest('/docs');
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html;charset=utf-8']);
      expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
      expect((await stage.rest('/')).body).toBe(page.body);
      expect((await stage.rest('/docs/docs.js')).status).toBe(200);
      expect((await stage.rest('/openapi.yaml', { method: 'HEAD' })).status).toBe(200);
      const posted = await stage.rest('/docs', { method: 'POST', body: {} });
      expect([posted.status, posted.body]).toMatchObject([404, { details: [{ reason: 'ROUTE_NOT_FOUND' }] }]);
      expect((await stage.rest('/docs/nowhere')).status).toBe(404);
    });
  });
}

function isList(operationId: string): boolean {
  // Of the parked events there are none where all is well.
  return /^(List(?!ParkedEvents)|Search|Nearby)/.test(operationId);
}

function isEmpty(answer: unknown): boolean {
  return JSON.stringify(answer).includes('[]');
}
