// SPDX-License-Identifier: MIT
// A real SIP phone for tests: Debian's baresip, headless. Its voice is a tone, what it hears is recorded to a file, and it is driven and
// observed over its control connection (netstrings of JSON).

import {spawn} from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {findTone, readWav} from './tone.mjs';

const READY_LIMIT_MS = 60_000; // It makes an RSA key when it starts.
const EVENT_LIMIT_MS = 20_000;
const END_LIMIT_MS = 5000;
const MODULES = ['g711', 'opus', 'ausine', 'sndfile'];

export class SipPhone {
  /** Events of baresip so far, oldest first: {type, class, param, accountaor, ...}. */
  events = [];
  #child = null;
  #control = null;
  #folder;
  #waiting = new Set();
  #input = Buffer.alloc(0);
  #replies = new Map();
  #token = 0;

  /**
   * `aor`: user@host:port. `password`: registers there with digest; without one it registers nowhere. `hz`: its voice. `codecs`: of its account.
   * `auto`: takes every call at once. `within`: a command that runs it in another namespace, whose `ports` (SIP, control, RTP) are free.
   * Resolves when it is ready (and registered).
   */
  static async start({aor, password = '', hz = 1000, auto = false, address = '127.0.0.1', codecs = 'PCMU,PCMA', transport = 'udp', within = [], ports = null}) {
    const phone = new SipPhone();
    phone.#folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-phone-'));
    const [sip, control, rtp] = ports ?? [await freePort(address), await freePort(address), await freePort(address)];
    phone.address = `${bracketed(address)}:${sip}`;
    const registers = password ? `;auth_pass=${password};regint=60` : ';regint=0';
    const target = transport === 'udp' ? aor : `${aor};transport=${transport}`;
    fs.writeFileSync(path.join(phone.#folder, 'accounts'), `<sip:${target}>${registers};answermode=${auto ? 'auto' : 'manual'};audio_codecs=${codecs}\n`);
    fs.writeFileSync(path.join(phone.#folder, 'contacts'), '');
    fs.writeFileSync(path.join(phone.#folder, 'config'), configuration({address, sip, control, rtp, hz, folder: phone.#folder}));
    try {
      await phone.#launch(control, address, within);
      if (password) await phone.log(/200 OK .*\[\d+ binding/);
    } catch (error) {
      await phone.stop();
      throw error;
    }
    return phone;
  }

  /** Dials a SIP URI. */
  dial(uri) {
    return this.command('dial', uri);
  }

  accept() {
    return this.command('accept');
  }

  hangUp() {
    return this.command('hangup');
  }

  /** Resolves with the first event of this type that has not been taken by an earlier `event`. */
  event(type, limitMs = EVENT_LIMIT_MS) {
    const seen = this.events.find((each) => each.type === type && !each.taken);
    if (seen) {
      seen.taken = true;
      return Promise.resolve(seen);
    }
    return new Promise((resolve, reject) => {
      const entry = {type, resolve};
      this.#waiting.add(entry);
      setTimeout(() => {
        if (this.#waiting.delete(entry)) reject(new Error(`baresip: no ${type} within ${limitMs} ms; seen: ${this.events.map((each) => each.type).join(' ')}`));
      }, limitMs).unref();
    });
  }

  /** Waits until this stands in its log: what happens before the control connection is up, such as registering, has no event. */
  async log(pattern, limitMs = EVENT_LIMIT_MS) {
    const end = Date.now() + limitMs;
    for (;;) {
      const text = fs.readFileSync(path.join(this.#folder, 'log'), 'latin1');
      if (pattern.test(text)) return;
      if (this.#child.exitCode !== null || Date.now() > end) throw new Error(`baresip: no ${pattern} in its log:\n${text}`);
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  }

  command(command, params = '') {
    const token = String(++this.#token);
    const text = JSON.stringify({command, params, token});
    return new Promise((resolve) => {
      this.#replies.set(token, resolve);
      this.#control.write(`${Buffer.byteLength(text)}:${text},`);
    });
  }

  /** The tone in all that it has heard; null for silence. Read it after the call: the file is complete then. */
  heard() {
    const files = fs.readdirSync(this.#folder).filter((name) => name.endsWith('-dec.wav')).sort();
    if (files.length === 0) return null;
    const {samples, rate} = readWav(path.join(this.#folder, files.at(-1)));
    return samples.length < 1024 ? null : findTone(samples, rate);
  }

  async stop() {
    this.#control?.destroy();
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => { child.once('exit', resolve); });
      child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), END_LIMIT_MS);
      await ended;
      clearTimeout(hard);
    }
    fs.rmSync(this.#folder, {recursive: true, force: true});
  }

  async #launch(control, address, within) {
    const log = fs.openSync(path.join(this.#folder, 'log'), 'w');
    const [command, ...args] = [...within, 'baresip', '-f', this.#folder];
    this.#child = spawn(command, args, {stdio: ['ignore', log, log]});
    fs.closeSync(log);
    await this.log(/baresip is ready/, READY_LIMIT_MS);
    this.#control = net.connect(control, address);
    this.#control.on('data', (bytes) => this.#read(bytes));
    this.#control.on('error', () => {});
    await new Promise((resolve, reject) => { this.#control.once('connect', resolve).once('error', reject); });
  }

  #read(bytes) {
    this.#input = Buffer.concat([this.#input, bytes]);
    for (;;) {
      const colon = this.#input.indexOf(':');
      const size = Number(this.#input.toString('latin1', 0, Math.max(colon, 0)));
      if (colon < 0 || this.#input.length < colon + size + 2) return;
      this.#take(JSON.parse(this.#input.toString('utf8', colon + 1, colon + 1 + size)));
      this.#input = this.#input.subarray(colon + size + 2);
    }
  }

  #take(message) {
    if (message.response) {
      this.#replies.get(message.token)?.(message);
      this.#replies.delete(message.token);
      return;
    }
    this.events.push(message);
    for (const entry of this.#waiting) {
      if (entry.type !== message.type) continue;
      this.#waiting.delete(entry);
      message.taken = true;
      entry.resolve(message);
      return;
    }
  }
}

const bracketed = (address) => (address.includes(':') ? `[${address}]` : address);

function configuration({address, sip, control, rtp, hz, folder}) {
  return `poll_method epoll
sip_listen ${bracketed(address)}:${sip}
call_local_timeout 120
call_max_calls 4
snd_path ${folder}
audio_source ausine,${hz}
ausrc_srate 48000
auplay_srate 48000
ausrc_channels 2
auplay_channels 1
audio_txmode poll
audio_buffer 20-160
rtp_ports ${rtp}-${rtp + 40}
rtcp_mux no
jitter_buffer_delay 5-10
net_interface ${address}
ctrl_tcp_listen ${bracketed(address)}:${control}
module_path /usr/lib/baresip/modules
${MODULES.map((name) => `module ${name}.so`).join('\n')}
module_tmp uuid.so
module_tmp account.so
module_app ctrl_tcp.so
module_app menu.so
`;
}

const FIRST_PORT = 10000;
const LAST_PORT = 31000; // below those that the kernel gives away to connections
const PORTS_EACH = 64;
let nextPort = FIRST_PORT + PORTS_EACH * (process.pid % 97);

/** A port that nobody has just now, for TCP and UDP, with room for a range above it. */
async function freePort(address) {
  for (let tries = 0; tries < (LAST_PORT - FIRST_PORT) / PORTS_EACH; ++tries) {
    const port = nextPort;
    nextPort = port + 2 * PORTS_EACH < LAST_PORT ? port + PORTS_EACH : FIRST_PORT;
    const udp = dgram.createSocket(net.isIPv6(address) ? 'udp6' : 'udp4');
    const tcp = net.createServer();
    const free = await isFree((told) => udp.bind(port, address, told), udp) && await isFree((told) => tcp.listen(port, address, told), tcp);
    await Promise.all([closed(udp), closed(tcp)]);
    if (free) return port;
  }
  throw new Error('no free port');
}

const closed = (socket) => new Promise((resolve) => { try { socket.close(resolve); } catch { resolve(); } });
const isFree = (open, socket) => new Promise((resolve) => { socket.once('error', () => resolve(false)); open(() => resolve(true)); });
