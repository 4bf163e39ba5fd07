// SPDX-License-Identifier: MIT
// What a person does on the phone page, as functions over a puppeteer page.

// By the clock: a page that is not in front draws no frames, and a wait for frames would see nothing.
const POLLING = {polling: 50};

export const text = (page, selector) => page.$eval(selector, (element) => element.textContent);
export const states = (page) => page.$$eval('#states li', (items) => items.map((item) => item.dataset.state));
export const shown = (page, selector) => page.waitForFunction((s) => document.querySelector(s)?.checkVisibility(), POLLING, selector);
export const inState = (page, state, timeout = 30_000) =>
  page.waitForFunction((s) => document.querySelector('#states li:last-child')?.dataset.state === s, {...POLLING, timeout}, state);
export const says = (page, selector, sentence) =>
  page.waitForFunction((s, t) => document.querySelector(s)?.textContent.includes(t), POLLING, selector, sentence);
export const level = (page, who) => page.$eval(`#meter-${who}`, (element) => Number(element.getAttribute('aria-valuenow')));

export async function signIn(page, account, password) {
  await shown(page, '#sign-in');
  await page.type('#account', account);
  await page.type('#password', password);
  await page.keyboard.press('Enter');
}

/** Taps until the browser takes it for a tap: on a busy machine a touch may last so long that it is a long press, which clicks nothing. */
export async function tap(page, selector) {
  const target = await page.waitForSelector(selector);
  await target.evaluate((element) => { element.addEventListener('click', () => { element.dataset.tapped = 'yes'; }, {once: true, capture: true}); });
  for (let tries = 0; tries < 5; ++tries) {
    await target.tap();
    for (let looks = 0; looks < 20; ++looks) {
      const tapped = await target.evaluate((element) => { const it = element.dataset.tapped; delete element.dataset.tapped; return it; }).catch(() => 'gone with it');
      if (tapped) return;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }
  throw new Error(`cannot be tapped: ${selector}`);
}

/** The line above everything else. */
export const banner = (page, sentence) => says(page, '#banner:not([hidden]) #banner-text', sentence);

export async function dial(page, number) {
  await page.click('#number', {count: 3});
  await page.type('#number', number);
  await page.keyboard.press('Enter');
}

/** Waits until `condition` holds, looking twenty times a second. */
export async function until(condition, what, limitMs = 5000) {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}
