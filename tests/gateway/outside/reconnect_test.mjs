// SPDX-License-Identifier: MIT
// A page whose gateway is killed and started again (G15): isthmus.js itself, in Node without a browser, over a small WebSocket of this file. It
// comes back by itself, signed in, and says that its call is lost. Usage: node --test with ISTHMUS naming the program.

import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import {once} from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import {test} from 'node:test';
import {pathToFileURL} from 'node:url';

const LIMIT_MS = 60_000;

/** The client side of RFC 6455 as far as short text messages and closing go. */
class SmallWebSocket {
  static OPEN = 1;
  readyState = 0;
  #socket;
  #bytes = Buffer.alloc(0);

  constructor(url, protocol) {
    const {hostname, port, host, pathname} = new URL(url);
    this.#socket = net.connect(Number(port), hostname);
    this.#socket.on('connect', () => this.#socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`));
    this.#socket.on('data', (bytes) => { this.#bytes = Buffer.concat([this.#bytes, bytes]); this.#read(); });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => { this.readyState = 3; this.onclose?.({code: 1006}); });
  }

  #read() {
    if (this.readyState === 0) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!this.#bytes.subarray(0, end).toString().startsWith('HTTP/1.1 101')) return void this.#socket.destroy();
      this.#bytes = this.#bytes.subarray(end + 4);
      this.readyState = 1;
      this.onopen?.();
    }
    while (this.#bytes.length >= 2) {
      const long = (this.#bytes[1] & 127) === 126;
      if (this.#bytes.length < (long ? 4 : 2)) return;
      const [at, size] = long ? [4, this.#bytes.readUInt16BE(2)] : [2, this.#bytes[1] & 127];
      if (this.#bytes.length < at + size) return;
      const [opcode, payload] = [this.#bytes[0] & 15, this.#bytes.subarray(at, at + size)];
      this.#bytes = this.#bytes.subarray(at + size);
      if (opcode === 1) this.onmessage?.({data: payload.toString()});
      if (opcode === 9) this.#frame(10, payload);
      if (opcode === 8) this.#socket.end();
    }
  }

  #frame(opcode, payload) {
    const head = payload.length < 126 ? Buffer.from([0x80 | opcode, 0x80 | payload.length]) : Buffer.from([0x80 | opcode, 0xfe, payload.length >> 8, payload.length & 255]);
    this.#socket.write(Buffer.concat([head, Buffer.alloc(4), payload])); // A mask of zeros is a mask.
  }

  send(text) {
    this.#frame(1, Buffer.from(text));
  }

  close() {
    this.#socket.destroy();
  }
}

async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const {port} = server.address();
  server.close();
  return port;
}

/** Starts it and waits until its page is up. */
async function start(folder, port) {
  const program = spawn(process.env.ISTHMUS, ['run', '--sip', '127.0.0.1:0', '--web', `127.0.0.1:${port}`], {cwd: folder, stdio: ['ignore', 'pipe', 'ignore']});
  for await (const chunk of program.stdout) {
    if (String(chunk).includes('page')) break;
  }
  return program;
}

function until(target, wanted) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not ${wanted}, but ${target.connection}`)), LIMIT_MS);
    const look = () => {
      if (target.connection !== wanted) return;
      clearTimeout(timer);
      resolve();
    };
    target.addEventListener('connection', look);
    look();
  });
}

test('G15: a page comes back by itself after the gateway was killed and started again', {timeout: 2 * LIMIT_MS}, async () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-reconnect-'));
  const copy = path.join(folder, 'isthmus.mjs'); // Node takes a module by its ending.
  fs.copyFileSync(new URL('../../../gateway/web/isthmus.js', import.meta.url), copy);
  globalThis.WebSocket = SmallWebSocket;
  const {Isthmus} = await import(pathToFileURL(copy));
  const port = await freePort();
  let program = await start(folder, port);
  try {
    const password = fs.readFileSync(path.join(folder, 'data/demo-accounts'), 'utf8').match(/^alice (\S+)$/m)[1];
    const page = new Isthmus({url: `ws://127.0.0.1:${port}/ws`});
    await page.signIn({account: 'alice', password});
    const session = page.account.session;
    program.kill('SIGKILL');
    await once(program, 'exit');
    await until(page, 'lost');
    program = await start(folder, port);
    await until(page, 'online');
    assert.equal(page.account.client, 'alice');
    assert.notEqual(page.account.session, session, 'a new session: the old one was lost with the gateway');
    await page.signOut();
    program.kill('SIGTERM');
    assert.deepEqual(await once(program, 'exit'), [0, null]);
  } finally {
    program.kill('SIGKILL');
    fs.rmSync(folder, {recursive: true});
  }
});
