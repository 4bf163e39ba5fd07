// SPDX-License-Identifier: MIT
// What stands before a gateway in the wild: a reverse proxy that ends TLS and passes everything on as it is, and a network that fails.

import {execFileSync} from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';

export class Proxy {
  #server;
  #sockets = new Set();
  #refuses = false;

  /** `to`: host:port behind it. `name`: with TLS, under a certificate of its own for this name. `port`: 0 for a free one. */
  static async start({to, name = '', port = 0}) {
    const proxy = new Proxy();
    const [host, behind] = to.split(':');
    const accept = (socket) => proxy.#join(socket, () => net.connect(Number(behind), host));
    proxy.#server = name ? tls.createServer(certificate(name), accept) : net.createServer(accept);
    await new Promise((resolve) => { proxy.#server.listen(port, '127.0.0.1', resolve); });
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  /** Breaks every connection, and refuses new ones until `mend`. */
  cut() {
    this.#refuses = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#refuses = false;
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => { this.#server.close(resolve); });
  }

  #join(near, connect) {
    near.on('error', () => {});
    if (this.#refuses) return void near.destroy();
    const far = connect();
    for (const [socket, other] of [[near, far], [far, near]]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
    return undefined;
  }
}

/** A key and a certificate for `name` that nobody has signed but itself. */
function certificate(name) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-certificate-'));
  const [key, cert] = ['key.pem', 'cert.pem'].map((file) => path.join(folder, file));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', `subjectAltName=DNS:${name}`, '-keyout', key, '-out', cert], {stdio: 'ignore'});
  const pair = {key: fs.readFileSync(key), cert: fs.readFileSync(cert)};
  fs.rmSync(folder, {recursive: true});
  return pair;
}
