// SPDX-License-Identifier: MIT
// The real gateway and the example web server for one test, started as `./dev run` starts them, in a folder of their own: embedded defaults,
// two demo accounts, a fresh secret. ISTHMUS names the program (default: the release build).

import {execFileSync, spawn} from 'node:child_process';
import {randomBytes} from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PROGRAM = process.env.ISTHMUS || path.join(ROOT, 'build/release/bin/isthmus');
const START_LIMIT_MS = 30_000;
const LIVE_LIMIT_MS = 1000;
const LINGER_LIMIT_MS = 101_000; // R1.26: 3 x 64*T1 + T4
const END_LIMIT_MS = 40_000; // It says BYE to everybody and waits for the answers.

/** A child process whose lines are kept and can be waited for. */
class Program {
  lines = [];
  #child;
  #waiting = new Set();

  constructor(command, args, options) {
    this.#child = spawn(command, args, {...options, stdio: ['ignore', 'pipe', 'pipe']});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({input: stream}).on('line', (line) => this.#take(line));
    }
    this.ended = new Promise((resolve) => { this.#child.once('exit', (code, signal) => resolve(code ?? signal)); });
    this.#child.once('error', (error) => this.#take(`cannot start: ${error.message}`));
  }

  get pid() {
    return this.#child.pid;
  }

  /** The first line, of those there are and those to come, that fits. */
  line(pattern, limitMs = START_LIMIT_MS) {
    const seen = this.lines.find((line) => pattern.test(line));
    if (seen !== undefined) return Promise.resolve(seen);
    return new Promise((resolve, reject) => {
      const entry = {pattern, resolve};
      this.#waiting.add(entry);
      setTimeout(() => {
        if (this.#waiting.delete(entry)) reject(new Error(`no line ${pattern} within ${limitMs} ms:\n${this.lines.join('\n')}`));
      }, limitMs).unref();
    });
  }

  /** Asks it to end; gives its exit status. */
  async stop() {
    this.#child.kill('SIGTERM');
    const hard = setTimeout(() => this.#child.kill('SIGKILL'), END_LIMIT_MS);
    const status = await this.ended;
    clearTimeout(hard);
    return status;
  }

  async kill() {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  #take(line) {
    this.lines.push(line);
    for (const entry of this.#waiting) {
      if (!entry.pattern.test(line)) continue;
      this.#waiting.delete(entry);
      entry.resolve(line);
    }
  }
}

export class Gateway {
  #command;
  #env;
  #within = [];

  /**
   * `webServer`: arguments of examples/webserver/server.py, or null for none. `settings`: TOML beside the defaults; with them every port is a
   * free one, except that of the page where `web` names one.
   */
  static async start({webServer = [], settings = '', web = '127.0.0.1:0'} = {}) {
    const gateway = new Gateway();
    gateway.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-gateway-'));
    gateway.secret = randomBytes(32).toString('hex');
    const env = {...process.env, ISTHMUS_WEBHOOK_SECRET: gateway.secret};
    try {
      const hook = webServer ? await gateway.#startWebServer(webServer, env) : [];
      gateway.#command = ['run', ...hook, ...gateway.#settingsFile(settings, web)];
      gateway.#env = env;
      gateway.#run();
      gateway.url = (await gateway.program.line(/http:\/\/127\.0\.0\.1:\d+\//)).match(/http:\/\/127\.0\.0\.1:\d+\//)[0];
      gateway.sip = (await gateway.program.line(/127\.0\.0\.1:\d+ \(udp\)/)).match(/127\.0\.0\.1:\d+/)[0];
      gateway.accounts = readAccounts(path.join(gateway.folder, 'data/demo-accounts'));
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  /**
   * In another namespace, over HTTPS with a certificate of `isthmus cert`; `within` is the command that runs it there, `listen` where the page is
   * served. No web server.
   */
  static async startWithin(within, {settings, listen, certificateFor}) {
    const gateway = new Gateway();
    gateway.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'isthmus-gateway-'));
    gateway.#within = within;
    execFileSync(PROGRAM, ['cert', ...certificateFor], {cwd: gateway.folder});
    const file = path.join(gateway.folder, 'isthmus.toml');
    const [certificate, key] = ['server.pem', 'server-key.pem'].map((name) => path.join(gateway.folder, 'data/tls', name));
    fs.writeFileSync(file, `${settings}\n[web]\nlisten = "${listen}"\ncertificate = "${certificate}"\nkey = "${key}"\n`);
    gateway.#command = ['run', '--config', file];
    gateway.#env = {...process.env, ISTHMUS_WEBHOOK_SECRET: ''};
    try {
      gateway.#run();
      await gateway.program.line(/^ {2}page/);
    } catch (error) {
      await gateway.stop();
      throw error;
    }
    return gateway;
  }

  /** What `isthmus check` says has to be opened: `[{port: '5060', protocol: 'udp'}]`; a port may be a range. */
  portsToOpen() {
    const said = execFileSync(PROGRAM, ['check', path.join(this.folder, 'isthmus.toml')], {cwd: this.folder, encoding: 'utf8'});
    return [...said.matchAll(/^ {2}([0-9-]+)\/(udp|tcp) /gm)].map(([, port, protocol]) => ({port, protocol}));
  }

  /** kill -9: nobody is told anything. */
  async kill() {
    await this.program.kill();
  }

  /** Starts it again after `kill`, on the same data. */
  async runAgain() {
    this.#run();
    await this.program.line(/http:\/\/127\.0\.0\.1:\d+\//);
  }

  descriptors() {
    return fs.readdirSync(`/proc/${this.program.pid}/fd`).length;
  }

  /** Ends both; gives the exit status of the gateway. */
  async stop() {
    const status = await this.program?.stop();
    await this.webServer?.stop();
    fs.rmSync(this.folder, {recursive: true, force: true});
    return status;
  }

  /** The samples of a family of metrics that are not 0, as lines of text. */
  async gauges(family) {
    const secret = fs.readFileSync(path.join(this.folder, 'data/api-secret'), 'utf8').trim();
    const reply = await fetch(new URL('/metrics', this.url), {headers: {Authorization: `Bearer ${secret}`, Connection: 'close'}});
    if (!reply.ok) throw new Error(`/metrics: ${reply.status}`);
    return (await reply.text()).split('\n').filter((line) => line.startsWith(`isthmus_${family}{`) && !line.endsWith(' 0'));
  }

  /** The local addresses of its UDP sockets, as the kernel lists them. */
  udpSockets() {
    const folder = `/proc/${this.program.pid}/fd`;
    const held = new Set(fs.readdirSync(folder).map((name) => linkOf(path.join(folder, name))));
    const rows = ['udp', 'udp6'].flatMap((table) => fs.readFileSync(`/proc/net/${table}`, 'utf8').trim().split('\n').slice(1));
    return rows.map((row) => row.trim().split(/\s+/)).filter((words) => held.has(`socket:[${words[9]}]`)).map((words) => words[1]).sort();
  }

  #run() {
    const [command, ...args] = [...this.#within, PROGRAM, ...this.#command];
    this.program = new Program(command, args, {cwd: this.folder, env: this.#env});
  }

  #settingsFile(settings, web) {
    if (!settings) return [];
    const file = path.join(this.folder, 'isthmus.toml');
    fs.writeFileSync(file, settings);
    return ['--config', file, '--sip', '127.0.0.1:0', '--web', web];
  }

  async #startWebServer(args, env) {
    this.webServer = new Program('python3', ['-u', path.join(ROOT, 'examples/webserver/server.py'), '--port', '0', ...args], {env});
    return ['--webhook-url', `${(await this.webServer.line(/^web server /)).split(' ').at(-1)}webhook`];
  }
}

/** R1.26: within a second nothing is in use any more. */
export async function nothingLive(gateway) {
  const end = Date.now() + LIVE_LIMIT_MS;
  let live;
  do {
    live = await gateway.gauges('live');
  } while (live.length > 0 && Date.now() < end);
  if (live.length > 0) throw new Error(`still in use:\n${live.join('\n')}`);
}

/** R1.26: after the bound nothing is left at all. */
export async function nothingLingers(gateway) {
  const end = Date.now() + LINGER_LIMIT_MS;
  let left;
  while ((left = await gateway.gauges('lingering')).length > 0) {
    if (Date.now() > end) throw new Error(`still left:\n${left.join('\n')}`);
    await new Promise((resolve) => { setTimeout(resolve, 250); });
  }
}

/** R4.18: a socket of these (as `udpSockets` lists them) can be bound again by somebody else. */
export async function bindAgain(sockets) {
  for (const each of sockets) {
    const [address, port] = each.split(':');
    const ip = Buffer.from(address, 'hex').reverse().join('.');
    const socket = dgram.createSocket('udp4');
    await new Promise((resolve, reject) => { socket.once('error', reject).bind(parseInt(port, 16), ip, resolve); });
    await new Promise((resolve) => { socket.close(resolve); });
  }
}

/** What a descriptor is; nothing when it was closed meanwhile. */
function linkOf(file) {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

/** `{alice: 'password', …}` from the file of the demo accounts: a name and a password on each line. */
function readAccounts(file) {
  const text = fs.readFileSync(file, 'utf8');
  return Object.fromEntries([...text.matchAll(/^\s*([A-Za-z0-9_.-]+)[\s:=]+(\S+)\s*$/gm)].map(([, name, password]) => [name, password]));
}
