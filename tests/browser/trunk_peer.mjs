// SPDX-License-Identifier: MIT
// The far end of a trunk, scripted: it is heard while it rings (183 with SDP), picks up when it is told to, and keeps what it hears. Its voice is
// a tone in PCMU. One call; requests and responses over UDP as RFC 3261 has them, RTP as RFC 3550.

import dgram from 'node:dgram';

const RATE = 8000;
const FRAME = 160; // samples of 20 ms
const EVENT = 101; // payload type of RFC 4733
const AMPLITUDE = 0.4;

export class TrunkPeer {
  /** Of the packets that came: payload types in order, samples of those with sound, digits. */
  heard = {packets: 0, samples: [], digits: ''};
  #sip;
  #rtp;
  #invite = null;
  #event = -1;
  #at = 0;
  #clock = null;
  #waiting = [];

  /** `hz`: its voice. */
  static async start({hz, address = '127.0.0.1'}) {
    const peer = new TrunkPeer();
    peer.hz = hz;
    peer.host = address;
    [peer.#sip, peer.#rtp] = [await bound(address), await bound(address)];
    peer.port = peer.#sip.address().port;
    peer.#sip.on('message', (bytes, from) => peer.#take(bytes.toString('latin1'), from));
    peer.#rtp.on('message', (bytes) => peer.#hear(bytes));
    return peer;
  }

  /** Resolves when a request of this method has come. */
  request(method, limitMs = 20_000) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${method} within ${limitMs} ms`)), limitMs);
      this.#waiting.push({method, resolve: () => { clearTimeout(timer); resolve(); }});
    });
  }

  /** 183 with SDP, and speaks. */
  speakEarly() {
    this.#respond('183 Session Progress');
    const [, host] = this.#invite.text.match(/^c=IN IP4 (\S+)/m);
    const [, port] = this.#invite.text.match(/^m=audio (\d+)/m);
    this.#clock = setInterval(() => this.#rtp.send(this.#frame(), Number(port), host), 20);
  }

  pickUp() {
    this.#respond('200 OK');
  }

  stop() {
    clearInterval(this.#clock);
    this.#sip.close();
    this.#rtp.close();
  }

  #take(text, from) {
    const [method] = text.split(' ', 1);
    if (method === 'INVITE') this.#invite ??= {text, from};
    if (method === 'BYE') this.#answer('200 OK', {text, from});
    for (const each of this.#waiting.filter((entry) => entry.method === method)) each.resolve();
    this.#waiting = this.#waiting.filter((entry) => entry.method !== method);
  }

  #respond(status) {
    const port = this.#rtp.address().port;
    const body = [
      'v=0', `o=- 1 1 IN IP4 ${this.host}`, 's=-', `c=IN IP4 ${this.host}`, 't=0 0', `m=audio ${port} RTP/AVP 0 ${EVENT}`,
      'a=rtpmap:0 PCMU/8000', `a=rtpmap:${EVENT} telephone-event/8000`, '',
    ].join('\r\n');
    this.#answer(status, this.#invite, [`Contact: <sip:${this.host}:${this.port}>`, 'Content-Type: application/sdp'], body);
  }

  #answer(status, {text, from}, headers = [], body = '') {
    const lines = text.split('\r\n\r\n', 1)[0].split('\r\n');
    const kept = lines.filter((line) => /^(Via|From|To|Call-ID|CSeq):/i.test(line)).map((line) => (/^To:/i.test(line) && !/;tag=/.test(line) ? `${line};tag=far` : line));
    this.#sip.send([`SIP/2.0 ${status}`, ...kept, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n'), from.port, from.address);
  }

  #frame() {
    const packet = Buffer.alloc(12 + FRAME);
    packet.writeUInt16BE(0x8000, 0);
    packet.writeUInt16BE((this.#at / FRAME) & 0xffff, 2);
    packet.writeUInt32BE(this.#at, 4);
    packet.writeUInt32BE(0x7e57, 8);
    for (let i = 0; i < FRAME; i++) packet[12 + i] = muLaw(AMPLITUDE * Math.sin((2 * Math.PI * this.hz * (this.#at + i)) / RATE));
    this.#at += FRAME;
    return packet;
  }

  #hear(packet) {
    this.heard.packets++;
    const type = packet[1] & 127;
    if (type === 0) for (const octet of packet.subarray(12)) this.heard.samples.push(linear(octet));
    if (type !== EVENT || packet.readUInt32BE(4) === this.#event) return;
    this.#event = packet.readUInt32BE(4);
    this.heard.digits += '0123456789*#ABCD'[packet[12]];
  }
}

/** G.711: the sample (full scale 1) of an octet, and the octet whose sample is nearest. */
function linear(octet) {
  const code = ~octet & 0xff;
  const magnitude = (((code & 15) << 3) + 132 << (code >> 4 & 7)) - 132;
  return (code & 0x80 ? -magnitude : magnitude) / 32768;
}
const TABLE = Array.from({length: 256}, (_, octet) => ({octet, sample: linear(octet)})).sort((a, b) => a.sample - b.sample);
function muLaw(sample) {
  let [low, high] = [0, 255];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (TABLE[middle].sample <= sample) low = middle;
    else high = middle;
  }
  return TABLE[sample - TABLE[low].sample < TABLE[high].sample - sample ? low : high].octet;
}

async function bound(address) {
  const socket = dgram.createSocket('udp4');
  await new Promise((resolve, reject) => { socket.once('error', reject).bind(0, address, resolve); });
  return socket;
}
