// SPDX-License-Identifier: MIT
// The second browser: Debian's Firefox ESR on the page calls echo and hears the tone of its own fake microphone. It never pairs a loopback
// candidate, so this is also the test of the machine's own address (R0.12, R0.19).

import assert from 'node:assert/strict';
import {test} from 'node:test';
import puppeteer from 'puppeteer-core';
import {Gateway, nothingLive} from './gateway.mjs';
import {click, dial, inState, shown, signIn, states, until} from './page.mjs';
import {findTone, isTone} from './tone.mjs';

const EXECUTABLE = process.env.FIREFOX || '/usr/bin/firefox-esr';
const OURS_HZ = 600;
const LAUNCH_LIMIT_MS = 120_000; // Slow to start on a busy machine.
const RECORD_MS = 1500;
const HEAR_LIMIT_MS = 20_000;
const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.audio.fake_frequency': OURS_HZ,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  'media.gmp-manager.updateEnabled': false,
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'network.connectivity-service.enabled': false,
  'network.captive-portal-service.enabled': false,
};

/** Without a sound card Firefox runs no AudioContext: a recording of what the page plays is decoded and judged. */
async function heardTone(page) {
  const {samples, rate} = await page.evaluate(recordElement, '#remote-audio', RECORD_MS);
  return findTone(Float64Array.from(samples), rate);
}

/** Runs in the page. */
async function recordElement(selector, milliseconds) {
  const recorder = new MediaRecorder(document.querySelector(selector).srcObject);
  const pieces = [];
  recorder.ondataavailable = ({data}) => pieces.push(data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start();
  await new Promise((resolve) => { setTimeout(resolve, milliseconds); });
  recorder.stop();
  await stopped;
  const decoder = new OfflineAudioContext(1, 48000, 48000);
  const decoded = await decoder.decodeAudioData(await new Blob(pieces).arrayBuffer());
  return {samples: Array.from(decoded.getChannelData(0)), rate: decoded.sampleRate};
}

test('Firefox calls echo and hears its own tone', {timeout: 300_000}, async () => {
  const gateway = await Gateway.start();
  let browser;
  try {
    browser = await puppeteer.launch({
      browser: 'firefox', executablePath: EXECUTABLE, headless: true, timeout: LAUNCH_LIMIT_MS, protocolTimeout: LAUNCH_LIMIT_MS, extraPrefsFirefox: PREFERENCES,
    });
    const page = await browser.newPage();
    await page.goto(gateway.url);
    const [[account, password]] = Object.entries(gateway.accounts);
    await signIn(page, account, password);
    await shown(page, '#dial');
    await dial(page, 'echo');
    await inState(page, 'confirmed');
    assert.deepEqual(await states(page), ['pending', 'calling', 'confirmed']);
    await until(async () => isTone(await heardTone(page), OURS_HZ), `a tone of ${OURS_HZ} Hz`, HEAR_LIMIT_MS);
    await click(page, '#hang-up');
    await inState(page, 'dropped');
    await nothingLive(gateway);
  } finally {
    await browser?.close();
    await gateway.stop();
  }
});
