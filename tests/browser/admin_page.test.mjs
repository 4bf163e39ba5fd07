// SPDX-License-Identifier: MIT
// The admin page of the real gateway in Chromium: the secret, calls as they come and go, failures with their reasons, and a stranger's text that
// stays a text (advisories 42 and 50). A picture of it is kept where ADMIN_PICTURE says.

import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';
import {test} from 'node:test';
import {launchChromium, openPage} from './chromium.mjs';
import {Gateway} from './gateway.mjs';
import {click, dial, inState, says, shown, signIn, until} from './page.mjs';
import {SipPhone} from './sip_phone.mjs';

const HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const TRUNK = '[[trunk]]\nname = "carrier"\nhost = "127.0.0.1"\nport = 9\nsources = ["127.0.0.1/32"]\nnumbers = ["1800-1999"]\n';
const rows = (page, table) => page.$$eval(`#${table} tbody tr`, (list) => list.map((row) => [...row.cells].map((cell) => cell.innerText)));

async function showSecret(page, secret) {
  await shown(page, '#sign-in');
  await page.type('#secret', secret);
  await page.keyboard.press('Enter');
}

/** A trunk of one message: it calls `account` under a hostile name, and may take that back. */
class Stranger {
  #socket = dgram.createSocket('udp4');
  #to;

  async call(gateway, account) {
    this.#to = gateway.sip.split(':').reverse();
    await new Promise((resolve) => { this.#socket.bind(0, '127.0.0.1', resolve); });
    this.#say('INVITE', account);
  }

  cancel(account) {
    this.#say('CANCEL', account);
  }

  close() {
    this.#socket.close();
  }

  #say(method, account) {
    const here = `127.0.0.1:${this.#socket.address().port}`;
    const name = HOSTILE.replaceAll('"', '\\"');
    this.#socket.send([`${method} sip:${account}@127.0.0.1 SIP/2.0`, `Via: SIP/2.0/UDP ${here};branch=z9hG4bKstranger`, 'Max-Forwards: 70',
      `From: "${name}" <sip:%3Cscript%3E%0d%0a%1b@${here}>;tag=s`, `To: <sip:${account}@127.0.0.1>`, 'Call-ID: stranger', `CSeq: 1 ${method}`,
      `Contact: <sip:s@${here}>`, 'Content-Length: 0', '', ''].join('\r\n'), ...this.#to);
  }
}

test('the admin page: secret, live calls, phones, failures', {timeout: 180_000}, async () => {
  const gateway = await Gateway.start({webServer: ['--refuse', '19*'], settings: TRUNK});
  const stranger = new Stranger();
  let chromium, phone;
  try {
    const secret = fs.readFileSync(path.join(gateway.folder, 'data/api-secret'), 'utf8').trim();
    chromium = await launchChromium();
    const admin = await openPage(chromium.browser, new URL('/admin', gateway.url).href, {height: 1000});
    const asked = [];
    admin.on('request', (request) => asked.push(request.url()));

    await showSecret(admin, 'a wrong one');
    await says(admin, '#sign-in-notice', 'The secret is wrong.');
    assert.equal(await admin.$eval('#admin', (element) => element.checkVisibility()), false);
    await showSecret(admin, secret);
    await says(admin, '#connection', 'live');
    await says(admin, '#accounts', 'alice');
    assert.deepEqual(await rows(admin, 'calls'), []);
    assert.deepEqual((await rows(admin, 'trunks'))[0].slice(5), ['0', 'none yet', 'none yet'], 'nothing is made up');
    await admin.reload({waitUntil: 'load'});  // this tab keeps the secret, another one does not
    await says(admin, '#connection', 'live');

    // A call appears with its state and disappears.
    const [account, other] = Object.keys(gateway.accounts);
    const caller = await openPage(chromium.browser, gateway.url);
    await signIn(caller, account, gateway.accounts[account]);
    await shown(caller, '#dial');
    await dial(caller, 'echo');
    await inState(caller, 'confirmed');
    await says(admin, '#calls', 'confirmed');
    const [call] = await rows(admin, 'calls');
    assert.deepEqual([call[1], call[2].split('\n')[0], call[3]], [account, 'echo', 'echo']);
    await says(admin, '#accounts', '1 signed in');
    await click(caller, '#hang-up');
    await until(async () => (await rows(admin, 'calls')).length === 0, 'the call disappears');
    assert.deepEqual(await rows(admin, 'failures'), [], 'hanging up is no failure');

    // A failure shows its reason, and a trunk that nobody is at shows it too.
    await dial(caller, '1900');
    await says(admin, '#failures', 'the web server refused it');
    await dial(caller, '1800');
    await says(admin, '#trunks', 'unavailable');
    await says(admin, '#failures', 'the callee is not there now');

    // A real phone registers and is seen.
    phone = await SipPhone.start({aor: `${other}@${gateway.sip}`, password: gateway.accounts[other]});
    await says(admin, '#accounts', phone.address.split(':')[1]);
    if (process.env.ADMIN_PICTURE) {
      await dial(caller, 'echo');
      await says(admin, '#calls', 'confirmed');
      await admin.screenshot({path: process.env.ADMIN_PICTURE, fullPage: true});
      await click(caller, '#hang-up');
    }

    // A stranger calls the browser under a hostile name.
    await stranger.call(gateway, account);
    await says(admin, '#calls', HOSTILE);
    for (const page of [admin, caller]) {
      assert.equal(await page.$$eval('main img, main script', (list) => list.length), 0, 'nothing became an element');
      assert.doesNotMatch(await page.title(), /^[12]$/, 'nothing ran');
    }
    stranger.cancel(account);
    await until(async () => (await rows(admin, 'calls')).length === 0, 'the call disappears');

    // Signing out forgets; the secret was never part of an address.
    await click(admin, '#sign-out');
    await shown(admin, '#sign-in');
    assert.equal(await admin.evaluate(() => sessionStorage.length), 0);
    assert.deepEqual(await rows(admin, 'failures'), []);
    assert.ok(asked.length > 10 && asked.every((url) => !url.includes(secret) && !url.includes(encodeURIComponent(secret))));
    const wrong = admin.troubles.filter((trouble) => !trouble.includes('401'));
    assert.deepEqual(wrong, []);
    assert.deepEqual(caller.troubles, []);
  } finally {
    stranger.close();
    await phone?.stop();
    await chromium?.close();
    assert.equal(await gateway.stop(), 0);
  }
});
