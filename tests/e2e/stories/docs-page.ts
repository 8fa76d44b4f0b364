import { findChromium } from '@realmkeep/testkit/parts/chromium';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Stage } from '../stage.ts';

const SERVICES = ['AreaStatsService', 'ItemLocationService', 'PlayerStateService'];

/** `/docs` in a real browser, through the ingress. */
export function docsPageStories(stage: Stage): void {
  const findBrowser = findChromium();

  // On Linux on x64 there always is one.
  describe.skipIf(!findBrowser)('the page of the API documents', { timeout: 60_000 }, () => {
    let browser: Browser;
    let page: Page;
    /** What the browser had to say: errors of scripts, refusals of the Content-Security-Policy, requests elsewhere. */
    const complaints: string[] = [];

    beforeAll(async () => {
      const { path, env } = await findBrowser!();
      browser = await chromium.launch({
        executablePath: path,
        env: { ...process.env, ...env },
        // It shows nothing but the page under test, and containers do not let it have a sandbox.
        args: ['--no-sandbox', '--disable-gpu'],
      });
      page = await browser.newPage();
      page.setDefaultTimeout(50_000);
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(stage.realm.address) && !url.startsWith('data:')) complaints.push(url);
      });
      await page.goto(stage.realm.address);
    });

    afterAll(() => browser?.close());

    const operation = (id: string) => page.locator(`[id$="-${id}"]`);

    /** Opens an operation, makes its call with the example as it is, and answers what the page shows of the answer. */
    async function tryOut(id: string): Promise<{ status: string | undefined; body: string | null }> {
      await operation(id).locator('.opblock-summary-control').click();
      await operation(id).getByRole('button', { name: 'Execute' }).click();
      const answer = operation(id).locator('.live-responses-table .response');
      const status = await answer.locator('.response-col_status').textContent();
      const body = await answer.locator('.response-col_description pre').first().textContent();
      return { status: status?.trim(), body };
    }

    it('shows the operations of all three services', async () => {
      for (const service of SERVICES) {
        const tag = page.locator(`.opblock-tag[data-tag="${service}"]`);
        await tag.waitFor();
        expect(await tag.locator('xpath=../..').locator('.opblock').count(), service).toBeGreaterThan(2);
      }
    });

    it('makes a call without a token', async () => {
      const { status, body } = await tryOut('GetAreaStats');
      expect({ status, body }).toEqual({ status: '200', body: expect.stringContaining('"area_code": "111"') });
    });

    it('makes a call with the token that was entered', async () => {
      await page.getByRole('button', { name: 'Authorize' }).first().click();
      const dialog = page.locator('.modal-ux');
      await dialog.locator('input').fill(await stage.token('server'));
      await dialog.locator('.btn.authorize').click();
      await dialog.locator('.btn-done').click();
      const { status, body } = await tryOut('CreatePlayer');
      expect({ status, body }).toEqual({ status: '200', body: expect.stringContaining('"display_name": "Ada"') });
    });

    it('asks nobody else, and breaks no rule of its Content-Security-Policy', () => {
      expect(complaints).toEqual([]);
    });
  });
}
