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

/** Clicks what a person could click: see `press`. `options`: of puppeteer's mouse. */
export const click = (page, selector, options = {}) => press(page, selector, ({x, y}) => page.mouse.click(x, y, options));

export const tap = (page, selector) => press(page, selector, ({x, y}) => page.touchscreen.tap(x, y));

/**
 * Waits until `selector` stands still, is enabled and nothing lies above it; then does `act` at its middle until it got the click: on a busy machine
 * a page moves between look and act, and a touch may last so long that it is a long press, which clicks nothing.
 */
async function press(page, selector, act) {
  const target = await page.waitForFunction((s) => document.querySelector(s), POLLING, selector);
  await target.evaluate((element) => { element.addEventListener('click', () => { element.dataset.pressed = 'yes'; }, {once: true, capture: true}); });
  for (let tries = 0; tries < 5; ++tries) {
    await act(await standing(target, selector));
    for (let looks = 0; looks < 20; ++looks) {
      const pressed = await target.evaluate((element) => { const it = element.dataset.pressed; delete element.dataset.pressed; return it; }).catch(() => 'gone with it');
      if (pressed) return;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }
  throw new Error(`cannot be pressed: ${selector}`);
}

/** The middle of `target`, once two looks found the same. */
async function standing(target, selector) {
  let point = null;
  await until(async () => {
    const before = point;
    point = await target.evaluate(middle);
    return point && point.x === before?.x && point.y === before.y;
  }, `${selector} stands where it can be pressed`);
  return point;
}

/** Runs in the page: null as long as nobody could press the element. */
function middle(element) {
  element.scrollIntoView({block: 'nearest', inline: 'nearest', behavior: 'instant'});
  const {x, y, width, height} = element.getBoundingClientRect();
  const point = {x: x + width / 2, y: y + height / 2};
  return !element.disabled && element.contains(document.elementFromPoint(point.x, point.y)) ? point : null;
}

/** The line above everything else. */
export const banner = (page, sentence) => says(page, '#banner:not([hidden]) #banner-text', sentence);

export async function dial(page, number) {
  await click(page, '#number', {count: 3});
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
