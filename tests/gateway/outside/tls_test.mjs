// SPDX-License-Identifier: MIT
// The program with TLS from outside, spoken to by Node, curl and openssl: `isthmus cert`, HTTPS and WSS, a change of the
// certificate under way, webhooks over https, and the first mistakes with their exact words and exit status (R5.1).
// Loopback and free ports only. ISTHMUS names the program.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import tls from 'node:tls';

const PROGRAM = process.env.ISTHMUS;
const PATIENCE = 20_000;
const folder = mkdtempSync(join(tmpdir(), 'isthmus-tls-'));
const running = new Set();
const clear = async () => {
  for (const child of running) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
};
afterEach(clear);
after(() => {
  rmSync(folder, { recursive: true, force: true });
});

const OFFER = `v=0\r
o=- 4611731400430051336 2 IN IP4 127.0.0.1\r
s=-\r
t=0 0\r
a=group:BUNDLE 0\r
m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r
c=IN IP4 0.0.0.0\r
a=ice-ufrag:Zk3x\r
a=ice-pwd:0123456789abcdefghijklmn\r
a=fingerprint:sha-256 ${Array(32).fill('AB').join(':')}\r
a=setup:actpass\r
a=mid:0\r
a=sendrecv\r
a=rtcp-mux\r
a=rtpmap:111 opus/48000/2\r
a=rtpmap:0 PCMU/8000\r
a=rtpmap:8 PCMA/8000\r
`;

// Runs to the end; gives status and both outputs.
function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const { input, ...rest } = options;
    const child = execFile(command, args, { timeout: PATIENCE, ...rest }, (error, stdout, stderr) => {
      resolve({ status: error ? (error.code ?? -1) : 0, stdout, stderr });
    });
    child.stdin.on('error', () => {});  // who has ended already reads nothing
    child.stdin.end(input ?? '');
  });
}
const cert = (...args) => run(PROGRAM, ['cert', ...args], { cwd: folder });

class Gateway {
  static async start(name, toml, environment = {}) {
    const file = join(folder, `${name}.toml`);
    writeFileSync(file, toml);
    const out = new Gateway();
    out.text = '';
    out.child = spawn(PROGRAM, ['run', '--config', file], { cwd: folder, env: { ...process.env, ...environment } });
    running.add(out.child);
    out.child.once('exit', () => running.delete(out.child));
    for (const stream of [out.child.stdout, out.child.stderr]) stream.on('data', (data) => (out.text += data));
    out.port = Number((await out.line(/page +https?:\/\/\S*:(\d+)\//))[1]);
    return out;
  }
  async line(pattern) {
    for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
      const found = pattern.exec(this.text);
      if (found) return found;
      if (this.child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no ${pattern} in:\n${this.text}`);
  }
  async stop() {
    this.child.kill('SIGTERM');
    const [status] = this.child.exitCode === null ? await once(this.child, 'exit') : [this.child.exitCode];
    assert.equal(status, 0, this.text);
  }
}

function request(port, path, options = {}) {
  return new Promise((resolve, reject) => {
    const sent = https.request({ host: '127.0.0.1', port, path, ca: authority(), agent: false, servername: 'localhost', ...options }, (response) => {
      let body = '';
      response.on('data', (data) => (body += data));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body }));
    });
    sent.on('upgrade', (response, socket, head) => resolve({ status: response.statusCode, socket, head }));
    sent.on('error', reject);
    sent.setTimeout(PATIENCE, () => sent.destroy(new Error('timeout')));
    sent.end();
  });
}

// A client of the JSON-RPC interface over wss://.
class Client {
  static async open(port, headers = {}) {
    const response = await request(port, '/ws', {
      headers: {
        Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
        'Sec-WebSocket-Protocol': 'isthmus.v1', ...headers,
      },
    });
    if (!response.socket) return response;
    const out = new Client();
    Object.assign(out, { status: response.status, socket: response.socket, buffer: response.head, messages: [], waiting: [], id: 0 });
    out.socket.on('data', (data) => out.take(data));
    out.socket.on('error', () => {});
    return out;
  }
  take(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      if (this.buffer.length < 2) return;
      let size = this.buffer[1] & 127;
      let at = 2;
      if (size === 126) [size, at] = this.buffer.length < 4 ? [Infinity, 4] : [this.buffer.readUInt16BE(2), 4];
      if (this.buffer.length < at + size) return;
      const frame = this.buffer.subarray(at, at + size);
      if ((this.buffer[0] & 15) === 1) this.messages.push(JSON.parse(frame));
      this.buffer = this.buffer.subarray(at + size);
      for (const look of this.waiting.splice(0)) look();
    }
  }
  async message(wanted) {
    for (;;) {
      const found = this.messages.find(wanted);
      if (found) return found;
      await new Promise((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`not told; had ${JSON.stringify(this.messages)}`)), PATIENCE);
        this.waiting.push(() => (clearTimeout(late), resolve()));
      });
    }
  }
  ask(method, params = {}) {
    const id = ++this.id;
    const data = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    const head = data.length < 126 ? Buffer.from([0x81, 0x80 | data.length]) : Buffer.from([0x81, 0xfe, data.length >> 8, data.length & 255]);
    this.socket.write(Buffer.concat([head, Buffer.alloc(4), data]));  // a mask of zeros
    return this.message((each) => each.id === id);
  }
  state(wanted) {
    return this.message((each) => each.params?.state === wanted);
  }
}

const path = (name) => join(folder, 'data/tls', name);
const authority = () => readFileSync(path('ca.pem'));
const serial = (port) =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ca: authority() }, () => {
      const shown = socket.getPeerCertificate().serialNumber;
      socket.destroy();
      resolve(shown);
    });
    socket.on('error', reject);
  });
const config = (more = '', web = '') => `admission = "allow-all"
data = "data"
${more}
[sip]
udp = ["127.0.0.1:0"]
tcp = []
[web]
listen = "127.0.0.1:0"
certificate = "${path('server.pem')}"
key = "${path('server-key.pem')}"
${web}
[[account]]
name = "carol"
password = "carols password"
`;

test('isthmus cert makes an authority and a certificate, once', async () => {
  const refused = await cert('not a host');
  assert.equal(refused.status, 2);
  assert.equal(refused.stderr, 'isthmus cert: not a host: is neither a DNS name nor an IP address\n');
  const first = await cert('localhost', '127.0.0.1', '::1');
  assert.equal(first.status, 0, first.stderr);
  for (const word of ['update-ca-certificates', 'Firefox', 'Chromium', 'Android', 'iOS', `certificate = "${path('server.pem')}"`, `key = "${path('server-key.pem')}"`])
    assert.ok(first.stdout.includes(word), word);
  assert.equal(statSync(path('')).mode & 0o777, 0o700);
  for (const name of ['ca-key.pem', 'server-key.pem']) assert.equal(statSync(path(name)).mode & 0o777, 0o600, name);
  const mark = /SHA-256 (\S+)/.exec(first.stdout)[1];
  const shown = await run('openssl', ['x509', '-in', path('ca.pem'), '-noout', '-fingerprint', '-sha256', '-ext', 'basicConstraints,keyUsage']);
  assert.ok(shown.stdout.includes(`=${mark}`), shown.stdout);
  assert.match(shown.stdout, /CA:TRUE, pathlen:0/);
  const leaf = await run('openssl', ['x509', '-in', path('server.pem'), '-noout', '-text']);
  assert.match(leaf.stdout, /DNS:localhost, IP Address:127\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/);
  assert.match(leaf.stdout, /TLS Web Server Authentication/);
  assert.match(leaf.stdout, /CA:FALSE/);
  assert.match(leaf.stdout, /NIST CURVE: P-256/);
  const verified = await run('openssl', ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', path('ca.pem'), path('server.pem')]);
  assert.equal(verified.status, 0, verified.stderr + verified.stdout);
  // 398 days on it is over, ten years on the authority is, too.
  const days = (n) => String(Math.floor(Date.now() / 1000) + n * 86400);
  for (const [file, at, status] of [['server.pem', 396, 0], ['server.pem', 398, 2], ['ca.pem', 3649, 0], ['ca.pem', 3651, 2]]) {
    const checked = await run('openssl', ['verify', '-attime', days(at), '-CAfile', path('ca.pem'), path(file)]);
    assert.equal(checked.status, status, `${file} in ${at} days: ${checked.stderr}`);
  }
  const again = await cert('localhost');
  assert.equal(again.status, 1);
  assert.equal(again.stderr, `isthmus cert: ${path('server.pem')} is there already; --force replaces it\n`);
  if (process.getuid() === 0) {  // root makes them as the one to whom the data directory belongs
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'theirs'));
    chownSync(join(folder, 'theirs'), 1234, 5678);
    assert.equal((await cert('localhost', '--data', 'theirs')).status, 0);
    for (const name of ['', 'ca.pem', 'ca-key.pem', 'server.pem', 'server-key.pem'])
      assert.equal(statSync(join(folder, 'theirs/tls', name)).uid, 1234, name);
    // What that one cannot read or write, root neither reads nor writes for it: no link leads to root's own files.
    for (const name of ['ca.pem', 'ca-key.pem']) {
      rmSync(join(folder, 'theirs/tls', name));
      symlinkSync(path(name), join(folder, 'theirs/tls', name));
    }
    const led = await cert('--force', 'localhost', '--data', 'theirs');
    assert.deepEqual([led.status, led.stderr], [1, `isthmus cert: ${join(folder, 'theirs/tls/ca.pem')}: cannot be read: Permission denied\n`]);
    mkdirSync(join(folder, 'links'));
    chownSync(join(folder, 'links'), 1234, 5678);
    mkdirSync(join(folder, 'roots'), { mode: 0o755 });
    symlinkSync(join(folder, 'roots'), join(folder, 'links/tls'));
    const refused = await cert('localhost', '--data', 'links');
    assert.deepEqual([refused.status, refused.stderr], [1, `isthmus cert: ${join(folder, 'links/tls')}: is not a directory\n`]);
    assert.equal(statSync(join(folder, 'roots')).uid, 0);
  }
  const forced = await cert('--force', '127.0.0.1', 'localhost');
  assert.equal(forced.status, 0, forced.stderr);
  assert.match(forced.stdout, /signed by the authority that was there/);
  assert.ok(forced.stdout.includes(mark), 'the same authority');
});

test('a page and a call over HTTPS and WSS; HTTP is told where it is', async () => {
  const gateway = await Gateway.start('https', config());
  assert.match(gateway.text, /page +https:\/\//);
  const page = await request(gateway.port, '/');
  assert.equal(page.status, 200);
  assert.match(page.body, /<!doctype html>/);
  assert.equal(page.headers['strict-transport-security'], undefined);
  assert.equal((await request(gateway.port, '/', { headers: { Host: 'evil.example' } })).status, 403);
  assert.equal((await request(gateway.port, '/', { headers: { Origin: `http://127.0.0.1:${gateway.port}` } })).status, 403);
  await assert.rejects(request(gateway.port, '/', { ca: undefined }), /unable to verify|self-signed|unable to get local issuer/);

  // Advisory 15: a page from elsewhere gets no WebSocket.
  assert.equal((await Client.open(gateway.port, { Origin: 'https://evil.example' })).status, 403);
  const client = await Client.open(gateway.port, { Origin: `https://127.0.0.1:${gateway.port}` });
  assert.equal(client.status, 101);
  assert.equal((await client.ask('sign_in', { account: 'carol', password: 'carols password' })).result.client, 'carol');
  const call = (await client.ask('make_call', { to: 'echo', sdp: OFFER })).result.continue;
  assert.match((await client.state('confirmed')).params.sdp, /a=candidate:/);
  assert.equal((await client.ask('drop_call', { call_id: call })).result.state, 'dropped');

  const curl = await run('curl', ['-sS', '--cacert', path('ca.pem'), `https://127.0.0.1:${gateway.port}/healthz`]);
  assert.equal(curl.stdout, '{"status":"ok"}', curl.stderr);
  const distrustful = await run('curl', ['-sS', `https://127.0.0.1:${gateway.port}/healthz`]);
  assert.equal(distrustful.status, 60, distrustful.stderr);  // curl: the certificate is not known
  const plain = await run('curl', ['-sS', '-i', `http://127.0.0.1:${gateway.port}/healthz`]);
  assert.match(plain.stdout, /^HTTP\/1\.1 400 .*This port speaks HTTPS/s);
  const secret = readFileSync(join(folder, 'data/api-secret'), 'utf8').trim();
  const calls = await run(PROGRAM, ['calls', '--config', join(folder, 'https.toml'), '--web', `127.0.0.1:${gateway.port}`], { cwd: folder });
  assert.equal(calls.status, 0, calls.stderr);  // commands find their way through TLS, too
  const metrics = await request(gateway.port, '/metrics', { headers: { Authorization: `Bearer ${secret}` } });
  assert.match(metrics.body, /isthmus_http_dropped_total\{reason="tls_plain_http"\} 1\n/);
  assert.match(metrics.body, /isthmus_http_dropped_total\{reason="tls_refused"\} 1\n/);
  client.socket.destroy();
  await gateway.stop();
});

test('old versions, weak suites, renegotiation and other protocols are not spoken', async () => {
  const gateway = await Gateway.start('versions', config());
  const talk = (...args) =>
    run('openssl', ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-CAfile', path('ca.pem'), '-verify_return_error', ...args]);
  const good = await talk('-tls1_2', '-alpn', 'h2,http/1.1');
  assert.equal(good.status, 0, good.stderr);
  assert.match(good.stdout, /ALPN protocol: http\/1\.1/);
  assert.match(good.stdout, /Cipher is ECDHE-ECDSA-(AES\d+-GCM|CHACHA20)/);
  assert.match(good.stdout, /Compression: NONE/);
  assert.match(good.stdout, /Verify return code: 0/);
  assert.match((await talk('-tls1_3')).stdout, /TLSv1\.3, Cipher is TLS_/);
  for (const args of [['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], ['-tls1', '-cipher', 'ALL:@SECLEVEL=0'], ['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA256'],
    ['-tls1_2', '-cipher', 'AES128-GCM-SHA256'], ['-alpn', 'h2']]) {
    const refused = await talk(...args);
    assert.notEqual(refused.status, 0, args.join(' '));
    assert.match(refused.stderr + refused.stdout, /alert|Cipher is \(NONE\)/, args.join(' '));
  }
  const again = await run('openssl', ['s_client', '-connect', `127.0.0.1:${gateway.port}`, '-tls1_2'], { input: 'R\nQ\n' });
  assert.match(again.stderr, /RENEGOTIATING[\s\S]*no renegotiation/);
  await gateway.stop();
});

test('SIGHUP takes a new certificate for new connections, and keeps the old one when the files do not do', async () => {
  const gateway = await Gateway.start('reload', config());
  const before = await serial(gateway.port);
  const client = await Client.open(gateway.port);
  await client.ask('sign_in', { account: 'carol', password: 'carols password' });
  const call = (await client.ask('make_call', { to: 'echo', sdp: OFFER })).result.continue;
  await client.state('confirmed');

  assert.equal((await cert('--force', 'localhost', '127.0.0.1')).status, 0);
  gateway.child.kill('SIGHUP');
  await gateway.line(/the certificate in .* is valid until \d{4}-\d\d-\d\d/);
  const renewed = await serial(gateway.port);
  assert.notEqual(renewed, before);
  assert.equal((await client.ask('ping')).error, undefined, 'the connection lives on');

  const good = readFileSync(path('server.pem'));
  writeFileSync(path('server.pem'), 'nothing\n');
  gateway.child.kill('SIGHUP');
  await gateway.line(/reload refused: web\.certificate: \S+server\.pem: holds no certificate in PEM form/);
  assert.equal(await serial(gateway.port), renewed);
  writeFileSync(path('server.pem'), good);
  assert.equal((await client.ask('drop_call', { call_id: call })).result.state, 'dropped', 'and so does the call');
  client.socket.destroy();
  await gateway.stop();
});

test('webhooks over https go to a web server that is trusted, and to no other', async () => {
  let asked = 0;
  const server = https.createServer({ cert: readFileSync(path('server.pem')), key: readFileSync(path('server-key.pem')) }, (incoming, response) => {
    let body = '';
    incoming.on('data', (data) => (body += data));
    incoming.on('end', () => {
      ++asked;
      assert.match(incoming.headers['isthmus-signature'], /^t=\d+,v1=[0-9a-f]{64}$/);
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.parse(body).type === 'call.admission' ? '{"allowed":true}' : '{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const toml = (ca) =>
    config('', '').replace('admission = "allow-all"', '') + `[webhook]\nurl = "https://localhost:${server.address().port}/hook"\nsecrets = ["s"]\n${ca}\n`;
  const gateway = await Gateway.start('hook', toml(''));
  const client = await Client.open(gateway.port);
  await client.ask('sign_in', { account: 'carol', password: 'carols password' });
  const refused = await client.ask('make_call', { to: 'echo', sdp: OFFER });  // the system's authorities do not know ours
  assert.ok(refused.error, JSON.stringify(refused));
  assert.equal(asked, 0, 'nothing was said to it');
  // SIGHUP takes the authority in.
  writeFileSync(join(folder, 'hook.toml'), toml(`ca = "${path('ca.pem')}"`));
  gateway.child.kill('SIGHUP');
  await gateway.line(/reloaded: \d+ accounts/);
  const taken = await client.ask('make_call', { to: 'echo', sdp: OFFER });
  assert.ok(taken.result, JSON.stringify(taken));
  assert.ok(asked > 0);
  client.socket.destroy();
  await gateway.stop();
  server.close();
});

test('each first mistake is told with its file, its key and its status', async () => {
  const files = { certificate: path('server.pem'), key: path('server-key.pem') };
  const make = (name, text, mode = 0o600) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };
  const encrypted = join(folder, 'encrypted.pem');
  assert.equal((await run('openssl', ['pkey', '-in', files.key, '-aes256', '-passout', 'pass:x', '-out', encrypted])).status, 0);
  const other = join(folder, 'other-key.pem');
  assert.equal((await run('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', other])).status, 0);
  const old = join(folder, 'old.pem');
  make('index.txt', '');
  const settings = make('ca.cnf', `[ca]\ndefault_ca = one\n[one]\ndatabase = ${folder}/index.txt\nserial = ${folder}/serial\nnew_certs_dir = ${folder}\npolicy = any\ndefault_md = sha256\n[any]\ncommonName = supplied\n`);
  const wish = join(folder, 'wish.pem');
  assert.equal((await run('openssl', ['req', '-new', '-key', files.key, '-subj', '/CN=old', '-out', wish])).status, 0);
  const signed = await run('openssl', ['ca', '-batch', '-notext', '-config', settings, '-selfsign', '-rand_serial', '-keyfile', files.key, '-in', wish,
    '-startdate', '20240101000000Z', '-enddate', '20240201123000Z', '-out', old]);
  assert.equal(signed.status, 0, signed.stderr);
  const absent = join(folder, 'absent.pem');
  for (const [changed, words, status] of [
    [{ key: absent }, `web.key: ${absent}: cannot be read: No such file or directory`, 1],
    [{ certificate: absent }, `web.certificate: ${absent}: cannot be read: No such file or directory`, 1],
    [{ certificate: make('text.pem', 'x') }, `web.certificate: ${join(folder, 'text.pem')}: holds no certificate in PEM form`, 1],
    [{ key: encrypted }, `web.key: ${encrypted}: is encrypted: a key without a passphrase is needed (openssl pkey)`, 1],
    [{ key: other }, `web.key: ${other}: does not belong to the certificate in ${files.certificate}`, 1],
    [{ certificate: old }, `web.certificate: ${old}: expired on 2024-02-01 12:30 UTC`, 1],
    [{ key: '' }, 'web.certificate: stands alone: web.key, its private key, is missing', 2],
    [{ certificate: '' }, 'web.key: stands alone: web.certificate is missing', 2],
  ]) {
    const used = { ...files, ...changed };
    const file = make('mistake.toml', config().replace(files.certificate, used.certificate).replace(files.key, used.key));
    const started = await run(PROGRAM, ['run', '--config', file], { cwd: folder });
    assert.equal(started.status, status, started.stderr);
    assert.ok(started.stderr.includes(words), `${words}\n${started.stderr}`);
    const checked = await run(PROGRAM, ['check', file], { cwd: folder });
    assert.equal(checked.status, 2, checked.stderr);
    assert.ok(checked.stderr.includes(words), `${words}\n${checked.stderr}`);
  }
});
