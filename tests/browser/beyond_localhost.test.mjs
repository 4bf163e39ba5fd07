// SPDX-License-Identifier: MIT
// A public server behind a 1:1 NAT, and people elsewhere: the page over HTTPS by an address that is not loopback, a call to echo, a call to a phone
// that registered from outside, and both over IPv6. The certificate is one of `isthmus cert`, which the browser trusts because it was told of the
// authority; the firewall lets in the ports that `isthmus check` names and nothing else.

import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import path from 'node:path';
import {after, before, test} from 'node:test';
import {launchChromium, openPage, waitForTone} from './chromium.mjs';
import {Gateway} from './gateway.mjs';
import {INSIDE, INSIDE_V6, makeNetworks, OUTSIDE, OUTSIDE_V6, PUBLIC} from './networks.mjs';
import {click, dial, inState, shown, signIn, states} from './page.mjs';
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
udp = ["${INSIDE}:5060", "[${INSIDE_V6}]:5060"]
tcp = ["${INSIDE}:5060", "[${INSIDE_V6}]:5060"]
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
    networks.letInOnly(gateway.portsToOpen());
    const [command, ...words] = networks.outside.within;
    assert.equal(execFileSync(command, [...words, 'node', '-e', KNOCK, PUBLIC, '22'], {encoding: 'utf8'}), 'silence', 'another port is closed');
    const microphone = path.join(gateway.folder, 'microphone.wav');
    writeTone(microphone, {hz: OURS_HZ});
    chromium = await launchChromium({microphone, asUser: true, within: networks.outside.within, authority: path.join(gateway.folder, 'data/tls/ca.pem')});
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

// A port that a firewall closes says nothing; one where nobody listens would refuse.
const KNOCK = `const socket = require('net').connect(process.argv[2], process.argv[1]);
const told = (word) => { process.stdout.write(word); socket.destroy(); };
socket.on('error', (error) => told(error.code)).on('connect', () => told('open')).setTimeout(1500, () => told('silence'));`;

async function hearsItself(page) {
  await dial(page, 'echo');
  await inState(page, 'confirmed');
  const heard = await waitForTone(page, (found) => isTone(found, OURS_HZ));
  assert.ok(isTone(heard, OURS_HZ), JSON.stringify(heard));
  await click(page, '#hang-up');
  await inState(page, 'dropped');
}

/** A phone that registered from outside is called by the page; each hears the other. */
async function talksToPhone(page, {host, address, ports}) {
  const phone = await SipPhone.start({aor: `bob@${host}:5060`, password: PASSWORD, hz: PHONE_HZ, auto: true, address, within: networks.outside.within, ports});
  try {
    await dial(page, 'bob');
    await inState(page, 'confirmed');
    const heard = await waitForTone(page, (found) => isTone(found, PHONE_HZ));
    assert.ok(isTone(heard, PHONE_HZ), JSON.stringify(heard));
    await click(page, '#hang-up');
    await inState(page, 'dropped');
    await phone.event('CALL_CLOSED');
    assert.ok(isTone(phone.heard(), OURS_HZ), JSON.stringify(phone.heard()));
  } finally {
    await phone.stop();
  }
}

test('behind a 1:1 NAT: the page over HTTPS calls echo, and a phone that registered from outside', {timeout: 180_000}, () =>
  withPage({listen: INSIDE, host: PUBLIC}, async ({page}) => {
    await hearsItself(page);
    await talksToPhone(page, {host: PUBLIC, address: OUTSIDE, ports: [5070, 4450, 10500]});
    assert.deepEqual(await states(page), ['pending', 'calling', 'ringing', 'confirmed', 'dropped']);
  }));

test('over IPv6 the page calls echo, and a phone that registered from outside', {timeout: 180_000}, () =>
  withPage({listen: `[${INSIDE_V6}]`, host: `[${INSIDE_V6}]`}, async ({page}) => {
    await hearsItself(page);
    await talksToPhone(page, {host: `[${INSIDE_V6}]`, address: OUTSIDE_V6, ports: [5070, 4450, 10500]});
  }));
