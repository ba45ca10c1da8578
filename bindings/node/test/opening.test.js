const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { WebSocket, WebSocketServer } = require('..');
const { serve, connect, pair } = require('./common');

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** The whole answer to a request's bytes. */
async function answer(url, request) {
  const socket = net.connect(new URL(url).port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(request);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

function head(lines = []) {
  const fixed = ['GET /chat HTTP/1.1', 'Host: x', 'Upgrade: websocket', 'Connection: Upgrade'];
  return [...fixed, 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`, ...lines, '', ''].join('\r\n');
}

/** How an attempt that fails ended. */
function failure(url, ...rest) {
  const client = new WebSocket(url, ...rest);
  return new Promise((resolve) => {
    let error = null;
    client.on('open', () => resolve(assert.fail('it opened')));
    client.on('error', (reason) => {
      error = reason;
    });
    client.on('close', (code) => resolve({ error, code }));
  });
}

test('a request is what Node’s http module makes of it', async (t) => {
  const { client, request } = await pair(t, {
    client: { headers: { 'X-One': 'é', Cookie: 'a=b' }, origin: 'http://here' },
  });
  assert.strictEqual(request.method, 'GET');
  assert.strictEqual(request.url, '/');
  assert.strictEqual(request.httpVersion, '1.1');
  assert.strictEqual(request.headers['x-one'], Buffer.from('é').toString('latin1'));
  assert.strictEqual(request.headers.cookie, 'a=b');
  assert.strictEqual(request.headers.origin, 'http://here');
  assert.ok(request.rawHeaders.includes('X-One'));
  assert.strictEqual(request.socket.remoteAddress, '127.0.0.1');
  assert.strictEqual(request.socket.remotePort, client._socket.localPort);
  assert.strictEqual(request.connection, request.socket);
  client.terminate();
  await once(request.socket, 'close');
  assert.strictEqual(request.socket.remoteAddress, '127.0.0.1');
});

test('destroying a request ends its connection', async (t) => {
  const { client, peer, request } = await pair(t);
  const closed = Promise.all([client, peer].map((side) => once(side, 'close')));
  const gone = once(request, 'close');
  request.destroy();
  for (const [code] of await closed) assert.strictEqual(code, 1006);
  await gone;
});

test('path, shouldHandle', async (t) => {
  const { server, url } = await serve(t, { path: '/chat' });
  await connect(t, `${url}/chat?x=1`);
  const { error, code } = await failure(`${url}/other`);
  assert.strictEqual(error.message, 'Unexpected server response: 400');
  assert.strictEqual(code, 1006);
  server.shouldHandle = (request) => request.url === '/special';
  await connect(t, `${url}/special`);
});

test('verifyClient, now and later', async (t) => {
  for (const verifyClient of [
    (info) => info.origin === 'http://good' && info.secure === false && info.req.url === '/',
    (info, callback) => setImmediate(callback, info.origin === 'http://good', 403, 'no', { 'X-Why': 'origin' }),
  ]) {
    const { url } = await serve(t, { verifyClient });
    await connect(t, url, { origin: 'http://good' });
    const client = new WebSocket(url, { origin: 'http://bad' });
    const [request, response] = await once(client, 'unexpected-response');
    assert.strictEqual(request.method, 'GET');
    assert.strictEqual(response.statusCode, verifyClient.length === 2 ? 403 : 401);
    let body = '';
    for await (const chunk of response) body += chunk;
    assert.strictEqual(body, verifyClient.length === 2 ? 'no' : 'Unauthorized');
    assert.strictEqual(response.headers['x-why'], verifyClient.length === 2 ? 'origin' : undefined);
  }
});

test('subprotocols', async (t) => {
  const { url } = await serve(t);
  assert.strictEqual((await connect(t, url, ['one', 'two'])).protocol, 'one');
  assert.strictEqual((await connect(t, url, { protocols: 'three' })).protocol, 'three');
  assert.strictEqual((await connect(t, url)).protocol, '');

  const seen = [];
  const choosing = await serve(t, {
    handleProtocols: (protocols, request) => {
      seen.push([...protocols], request.url);
      return protocols.has('two') && 'two';
    },
  });
  assert.strictEqual((await connect(t, choosing.url, ['one', 'two'])).protocol, 'two');
  // The web's rule: an offer is to be taken up.
  const { error, code } = await failure(choosing.url, ['one']);
  assert.deepStrictEqual([error.message, code], ['Server sent no subprotocol', 1006]);
  assert.deepStrictEqual(seen, [['one', 'two'], '/', ['one'], '/']);
  for (const protocols of [['a', 'a'], [''], ['a b'], [1], null]) {
    assert.throws(() => new WebSocket(url, protocols), SyntaxError);
  }
});

test('the listeners of headers add fields', async (t) => {
  const { server, url } = await serve(t);
  server.on('headers', (lines, request) => {
    assert.match(lines[0], /^HTTP\/1\.1 101 /);
    lines.push(`Set-Cookie: path=${request.url}`, 'X-Two: 2');
  });
  const client = new WebSocket(`${url}/here`);
  const [response] = await once(client, 'upgrade');
  assert.deepStrictEqual(response.headers['set-cookie'], ['path=/here']);
  assert.strictEqual(response.headers['x-two'], '2');
  client.terminate();
});

test('URLs that are none', () => {
  for (const url of ['', 'nothing', 'ftp://x/', 'ws://x/#fragment', 'ws+unix:']) {
    assert.throws(() => new WebSocket(url), SyntaxError, url);
  }
  assert.throws(() => new WebSocket('ws://x/', { protocolVersion: 7 }), RangeError);
  assert.throws(() => new WebSocket('ws://x/', { headers: { 'X-One': 'a\r\nX-Two: b' } }));
  assert.throws(() => new WebSocket('ws://x/', { headers: { 'X One': 'a' } }));
  assert.throws(() => new WebSocket('ws://x/', { maxPayload: -1 }), RangeError);
  assert.throws(() => new WebSocketServer({}), TypeError);
  assert.throws(() => new WebSocketServer({ port: 0, noServer: true }), TypeError);
});

test('an http URL and a URL object; url is what was opened', async (t) => {
  const { url } = await serve(t);
  const plain = url.replace('ws:', 'http:');
  assert.strictEqual((await connect(t, plain)).url, `${url}/`);
  assert.strictEqual((await connect(t, new URL(`${url}/a?b=c`))).url, `${url}/a?b=c`);
});

test('the user and the password of a URL are sent', async (t) => {
  const { server, url } = await serve(t);
  const request = once(server, 'connection').then(([, incoming]) => incoming);
  await connect(t, url.replace('ws://', 'ws://user:pass@'));
  assert.strictEqual((await request).headers.authorization, `Basic ${Buffer.from('user:pass').toString('base64')}`);
});

test('handleRequest answers plain HTTP, now and later, beside connections', async (t) => {
  const asked = [];
  const { url } = await serve(t, {
    handleRequest: (request, respond) => {
      asked.push(`${request.method} ${request.url} ${request.headers.accept}`);
      if (request.url === '/health') respond(200, { 'Content-Type': 'text/plain', 'X-Load': ['1', '2'] }, 'well\n');
      else setImmediate(respond, 404);
    },
  });
  const address = url.replace('ws:', 'http:');
  const well = await fetch(new URL('/health', address), { headers: { accept: 'text/plain' } });
  assert.deepStrictEqual(
    [well.status, well.headers.get('content-type'), well.headers.get('x-load'), await well.text()],
    [200, 'text/plain', '1, 2', 'well\n'],
  );
  const missing = await fetch(new URL('/?a=b', address), { method: 'DELETE' });
  assert.deepStrictEqual([missing.status, await missing.text()], [404, 'Not Found']);
  assert.deepStrictEqual(asked, ['GET /health text/plain', 'DELETE /?a=b */*']);
  const client = await connect(t, url);
  assert.strictEqual(client.readyState, WebSocket.OPEN);
  assert.match(await answer(url, head().replace(': 13', ': 12')), /^HTTP\/1\.1 426 /);
});

test('plain HTTP gets 426, and bad handshakes what is wrong with them', async (t) => {
  const { url } = await serve(t);
  assert.match(await answer(url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /^HTTP\/1\.1 426 /);
  assert.match(await answer(url, head().replace('GET', 'POST')), /^HTTP\/1\.1 405 /);
  assert.match(await answer(url, head().replace(KEY, 'short')), /^HTTP\/1\.1 400 /);
  assert.match(await answer(url, head().replace(': 13', ': 12')), /^HTTP\/1\.1 426 [\s\S]*Sec-WebSocket-Version: 13/);
});

test('cve_2024_37890_ten_thousand_header_fields_get_431_from_node', async (t) => {
  const { server, url } = await serve(t);
  const errors = [];
  server.on('wsClientError', (error) => errors.push(error.code));
  const fields = Array.from({ length: 10_000 }, (_, i) => `a${i}: b`);
  assert.match(await answer(url, head(fields)), /^HTTP\/1\.1 431 /);
  assert.deepStrictEqual(errors, ['ROPEWAY_HANDSHAKE']);
  await connect(t, url);
});

test('wsClientError without an HTTP server tells the request, after the answer', async (t) => {
  const { server, url } = await serve(t);
  const told = once(server, 'wsClientError');
  assert.match(await answer(url, head(['X-One: 1']).replace(KEY, 'short')), /^HTTP\/1\.1 400 /);
  const [error, socket, request] = await told;
  assert.match(error.message, /Sec-WebSocket-Key/);
  assert.strictEqual(socket.destroyed, true);
  assert.deepStrictEqual([request.method, request.url, request.headers['x-one']], ['GET', '/chat', '1']);
});

test('whoever takes an unexpected response closes the WebSocket', async (t) => {
  const { url } = await serve(t, { verifyClient: () => false });
  for (const options of [{}, { agent: new http.Agent() }]) {
    const client = new WebSocket(url, options);
    const [request, response] = await once(client, 'unexpected-response');
    assert.strictEqual(response.statusCode, 401);
    assert.strictEqual(client.readyState, WebSocket.CONNECTING);
    client.on('error', assert.fail);
    request.destroy();
    await new Promise(setImmediate);
    client.removeListener('error', assert.fail);
    const closed = new Promise((resolve) => client.on('close', resolve));
    client.close();
    assert.match((await once(client, 'error'))[0].message, /closed before the connection was established/);
    assert.strictEqual(await closed, 1006);
  }
});

test('a server that is closing refuses with 503', async (t) => {
  let asked;
  const question = new Promise((resolve) => {
    asked = resolve;
  });
  const { server, url } = await serve(t, { verifyClient: (_info, callback) => asked(callback) });
  const attempt = failure(url);
  const callback = await question;
  server.close();
  callback(true);
  assert.strictEqual((await attempt).error.message, 'Unexpected server response: 503');
});

test('handshakeTimeout', async (t) => {
  const silent = net.createServer(() => {}).listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const sockets = [];
  silent.on('connection', (socket) => sockets.push(socket));
  const { error, code } = await failure(`ws://127.0.0.1:${silent.address().port}`, { handshakeTimeout: 20 });
  for (const socket of sockets) socket.destroy();
  assert.strictEqual(error.message, 'Opening handshake has timed out');
  assert.strictEqual(error.code, 'ROPEWAY_HANDSHAKE_TIMEOUT');
  assert.strictEqual(code, 1006);
});

test('what a server does wrong in its handshake', async (t) => {
  const wrong = net
    .createServer((socket) => {
      socket.once('data', () =>
        socket.end(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
        ),
      );
    })
    .listen(0, '127.0.0.1');
  t.after(() => wrong.close());
  await once(wrong, 'listening');
  const { error } = await failure(`ws://127.0.0.1:${wrong.address().port}`);
  assert.strictEqual(error.code, 'ROPEWAY_HANDSHAKE');
  assert.match(error.message, /Sec-WebSocket-Accept/);
  assert.strictEqual(error.fault, 'peer');
});

test('a port that is taken, and a host by name', async (t) => {
  const { server } = await serve(t);
  const second = new WebSocketServer({ host: '127.0.0.1', port: server.address().port });
  const [error] = await once(second, 'error');
  assert.strictEqual(error.code, 'EADDRINUSE');
  assert.strictEqual(error.syscall, 'listen');
  const named = await serve(t, { host: 'localhost' });
  assert.ok(['127.0.0.1', '::1'].includes(named.server.address().address));
  const open = await serve(t, { host: undefined });
  await connect(t, open.url);
});

test('ws+unix', async (t) => {
  const file = path.join(os.tmpdir(), `ropeway-${process.pid}.sock`);
  const listening = http.createServer();
  t.after(() => listening.close());
  const server = new WebSocketServer({ server: listening });
  listening.listen(file);
  await once(server, 'listening');
  assert.strictEqual(server.address(), file);
  const accepted = once(server, 'connection');
  const client = await connect(t, `ws+unix:${file}:/chat?x=1`);
  const [peer, request] = await accepted;
  assert.strictEqual(request.url, '/chat?x=1');
  peer.send('over a path');
  assert.strictEqual(String((await once(client, 'message'))[0]), 'over a path');
  client.terminate();
  await once(peer, 'close');
});

test('the address to connect from', async (t) => {
  const { server, url } = await serve(t);
  const accepted = once(server, 'connection');
  await connect(t, url, { localAddress: '127.0.0.9' });
  const [, request] = await accepted;
  assert.strictEqual(request.socket.remoteAddress, '127.0.0.9');
});
