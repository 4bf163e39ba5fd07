// SPDX-License-Identifier: MIT
// For tests of the page alone: one Chromium for the file, and for each test a fresh scripted gateway and a fresh page.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchChromium, openPage} from './chromium.mjs';
import {FakeGateway} from './fake_gateway.mjs';
import * as act from './page.mjs';
import {writeTone} from './tone.mjs';

/** The voice of the page. */
export const OURS_HZ = 440;

export let chromium;
export let gateway;
export let page;

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-page-'));

before(async () => {
  const microphone = path.join(folder, 'microphone.wav');
  writeTone(microphone, {hz: OURS_HZ});
  chromium = await launchChromium({microphone});
});
after(async () => {
  await chromium?.close();
  fs.rmSync(folder, {recursive: true});
});

/** Nothing may go wrong in the browser, except what `troubles` expects. `view`: as in openPage. */
export function pageTest(name, run, {view = {}, troubles = null} = {}) {
  test(name, {timeout: 60_000}, async () => {
    gateway = await FakeGateway.start();
    page = await openPage(chromium.browser, gateway.url, view);
    try {
      await act.shown(page, '#sign-in');
      await run();
      const unexpected = page.troubles.filter((trouble) => !troubles?.test(trouble));
      assert.deepEqual(unexpected, []);
    } finally {
      await page.browserContext().close();
      await gateway.stop();
    }
  });
}
