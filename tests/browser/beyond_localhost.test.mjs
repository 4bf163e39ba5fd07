// SPDX-License-Identifier: MIT
// A public server behind a 1:1 NAT, and people elsewhere: the page over HTTPS by an address that is not loopback, a call to echo, a call to a phone
// that registered from outside, and the page over IPv6. The certificate is one of `isthmus cert`, trusted by its authority alone.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {Gateway} from './gateway.mjs';
import {INSIDE, INSIDE_V6, makeNetworks, OUTSIDE, PUBLIC} from './networks.mjs';
import {dial, inState, shown, signIn, states} from './page.mjs';
import {SipPhone} from './sip_phone.mjs';
import {isTone, writeTone} from './tone.mjs';

const OURS_HZ = 440;
const PHONE_HZ = 1000;
const WEB_PORT = 8443;
const PASSWORD = 'a-long-password';

const SETTINGS = `
admission = "allow-all"
advertise = ["${PUBLIC}"]
domain = "${PUBLIC}"
[sip]
udp = ["${INSIDE}:5060"]
tcp = ["${INSIDE}:5060"]
[media]
listen = ["${INSIDE}", "${INSIDE_V6}"]
port = 40000
stun_sources = "any"
rtp_first_port = 20000
rtp_last_port = 20099
[[account]]
name = "alice"
password = "${PASSWORD}"
[[account]]
name = "bob"
password = "${PASSWORD}"
`;

let networks;
before(async () => { networks = await makeNetworks(); });
after(() => networks?.close());

/** The gateway in its network, a browser in the other, a page that is signed in. `listen`: of the web listener; `host`: as the browser writes it. */
async function withPage({listen, host}, run) {
  const gateway = await Gateway.startWithin(networks.inside.within, {settings: SETTINGS, listen: `${listen}:${WEB_PORT}`, certificateFor: [PUBLIC, INSIDE_V6]});
  const url = `https://${host}:${WEB_PORT}/`;
  let chromium;
  try {
    const reply = execFileSync(networks.outside.within[0], [...networks.outside.within.slice(1), 'node', '-e', FETCH, url], {
      env: {...process.env, NODE_EXTRA_CA_CERTS: path.join(gateway.folder, 'data/tls/ca.pem')}, encoding: 'utf8'});
    assert.equal(reply, '200', 'who trusts the authority trusts the page');
    const microphone = path.join(gateway.folder, 'microphone.wav');
    writeTone(microphone, {hz: OURS_HZ});
    chromium = await launchChromium({microphone, asUser: true, within: networks.outside.within, flags: ['--ignore-certificate-errors']});
    const page = await openPage(chromium.browser, url);
    await signIn(page, 'alice', PASSWORD);
    await shown(page, '#dial');
    await run({page, gateway});
    assert.deepEqual(page.troubles, []);
    assert.equal(await gateway.stop(), 0);
  } finally {
    await chromium?.close();
    await gateway.stop();
  }
}

const FETCH = 'fetch(process.argv[1], {headers: {Connection: "close"}}).then((reply) => process.stdout.write(String(reply.status)), (error) => { console.error(error.cause ?? error); process.exit(1); })';

async function hearsItself(page) {
  await dial(page, 'echo');
  await inState(page, 'confirmed');
  const heard = await waitForTone(page, (found) => isTone(found, OURS_HZ));
  assert.ok(isTone(heard, OURS_HZ), JSON.stringify(heard));
  await page.click('#hang-up');
  await inState(page, 'dropped');
}

test('behind a 1:1 NAT: the page over HTTPS calls echo, and a phone that registered from outside', {timeout: 180_000}, () =>
  withPage({listen: INSIDE, host: PUBLIC}, async ({page}) => {
    await hearsItself(page);
    const phone = await SipPhone.start({aor: `bob@${PUBLIC}:5060`, password: PASSWORD, hz: PHONE_HZ, auto: true, address: OUTSIDE, within: networks.outside.within, ports: [5070, 4450, 10500]});
    try {
      await dial(page, 'bob');
      await inState(page, 'confirmed');
      assert.deepEqual(await states(page), ['pending', 'calling', 'ringing', 'confirmed']);
      const heard = await waitForTone(page, (found) => isTone(found, PHONE_HZ));
      assert.ok(isTone(heard, PHONE_HZ), JSON.stringify(heard));
      await page.click('#hang-up');
      await inState(page, 'dropped');
      await phone.event('CALL_CLOSED');
      assert.ok(isTone(phone.heard(), OURS_HZ), JSON.stringify(phone.heard()));
    } finally {
      await phone.stop();
    }
  }));

test('over IPv6 the page calls echo', {timeout: 180_000}, () =>
  withPage({listen: `[${INSIDE_V6}]`, host: `[${INSIDE_V6}]`}, ({page}) => hearsItself(page)));
