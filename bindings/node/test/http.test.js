const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const { Duplex } = require('node:stream');
const { test } = require('node:test');
const tls = require('node:tls');

const express = require('express');

const { WebSocket, WebSocketServer } = require('..');
const { certificate } = require('./certificate');
const { echo, connect, serve } = require('./common');

async function listen(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections?.();
  });
  return server.address().port;
}

/** Sends a message and gets it back. */
async function echoes(websocket, text) {
  websocket.send(text);
  const [data] = await once(websocket, 'message');
  assert.strictEqual(data.toString(), text);
}

test('behind an http.Server', async (t) => {
  const server = http.createServer((_request, response) => response.end('a page'));
  const websockets = new WebSocketServer({ server });
  const listening = once(websockets, 'listening');
  const port = await listen(t, server);
  await listening;
  assert.strictEqual(websockets.address().port, port);
  websockets.on('connection', echo);
  const accepted = once(websockets, 'connection');
  const client = await connect(t, `ws://127.0.0.1:${port}/path`);
  const [peer, request] = await accepted;
  assert.ok(request instanceof http.IncomingMessage);
  assert.strictEqual(request.url, '/path');
  assert.strictEqual(request.socket.remoteAddress, '127.0.0.1');
  assert.strictEqual(peer._socket.remoteAddress, '127.0.0.1');
  assert.ok(websockets.clients.has(peer));
  for (const text of ['one', 'x'.repeat(100_000)]) await echoes(client, text);
  const page = await fetch(`http://127.0.0.1:${port}/`);
  assert.strictEqual(await page.text(), 'a page');
  client.close(1000);
  await once(peer, 'close');
  assert.strictEqual(websockets.clients.size, 0);
  await new Promise((resolve) => websockets.close(resolve));
  assert.strictEqual(server.listenerCount('upgrade'), 0);
});

test('what the client sends with its request is not lost', async (t) => {
  const server = http.createServer();
  const websockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    // As when somebody looks up a session before.
    setImmediate(() => websockets.handleUpgrade(request, socket, head, (websocket) => echo(websocket)));
  });
  const port = await listen(t, server);
  const socket = net.connect(port, '127.0.0.1');
  const head = `GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n\r\n`;
  socket.write(Buffer.concat([Buffer.from(head), Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69])]));
  let received = Buffer.alloc(0);
  while (!received.includes(Buffer.from([0x81, 0x02, 0x68, 0x69]))) {
    const [chunk] = await once(socket, 'data');
    received = Buffer.concat([received, chunk]);
  }
  assert.match(received.toString('latin1'), /^HTTP\/1\.1 101 /);
  socket.destroy();
});

test('several servers on one HTTP server, by path', async (t) => {
  const server = http.createServer();
  const routes = {};
  for (const name of ['/one', '/two']) {
    routes[name] = new WebSocketServer({ noServer: true });
    routes[name].on('connection', (websocket) => websocket.send(name));
  }
  server.on('upgrade', (request, socket, head) => {
    const route = routes[request.url];
    if (route === undefined) return socket.destroy();
    route.handleUpgrade(request, socket, head, (websocket) => route.emit('connection', websocket, request));
  });
  const port = await listen(t, server);
  for (const name of Object.keys(routes)) {
    const client = new WebSocket(`ws://127.0.0.1:${port}${name}`);
    const [data] = await once(client, 'message');
    assert.strictEqual(data.toString(), name);
    client.terminate();
  }
  const [error] = await once(new WebSocket(`ws://127.0.0.1:${port}/three`), 'error');
  assert.strictEqual(error.fault, 'peer');
  assert.throws(() => routes['/one'].address(), /noServer/);
});

test('beside Express', async (t) => {
  const app = express();
  app.get('/page', (_request, response) => response.send('express'));
  const server = http.createServer(app);
  const websockets = new WebSocketServer({ server, path: '/socket' });
  websockets.on('connection', echo);
  const port = await listen(t, server);
  await echoes(await connect(t, `ws://127.0.0.1:${port}/socket`), 'hello');
  assert.strictEqual(await (await fetch(`http://127.0.0.1:${port}/page`)).text(), 'express');
});

test('refusals over an HTTP server', async (t) => {
  const server = http.createServer();
  const websockets = new WebSocketServer({
    server,
    path: '/socket',
    verifyClient: (_info, callback) => callback(false, 418, 'tea', { 'X-Pot': '1' }),
  });
  const port = await listen(t, server);
  const answers = [];
  for (const name of ['/other', '/socket']) {
    const client = new WebSocket(`ws://127.0.0.1:${port}${name}`);
    const [, response] = await once(client, 'unexpected-response');
    answers.push([response.statusCode, response.headers['x-pot']]);
  }
  assert.deepStrictEqual(answers, [
    [400, undefined],
    [418, '1'],
  ]);

  const raw = `GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`;
  const ask = async () => {
    const socket = net.connect(port, '127.0.0.1');
    socket.write(raw);
    let text = '';
    for await (const chunk of socket) text += chunk;
    return text;
  };
  assert.match(await ask(), /^HTTP\/1\.1 400 /);
  websockets.on('wsClientError', (error, socket, request) => {
    assert.match(error.message, /Sec-WebSocket-Key/);
    socket.end(`HTTP/1.1 499 Mine\r\nX-Url: ${request.url}\r\n\r\n`);
  });
  assert.match(await ask(), /^HTTP\/1\.1 499 Mine\r\nX-Url: \/socket/);
});

test('handleUpgrade twice with one socket is a mistake that is told', async (t) => {
  const server = http.createServer();
  const websockets = new WebSocketServer({ noServer: true });
  const thrown = new Promise((resolve) => {
    server.on('upgrade', (request, socket, head) => {
      websockets.handleUpgrade(request, socket, head, () => {});
      try {
        websockets.handleUpgrade(request, socket, head, () => {});
        resolve(null);
      } catch (error) {
        resolve(error);
      }
    });
  });
  const port = await listen(t, server);
  await connect(t, `ws://127.0.0.1:${port}`);
  assert.match((await thrown).message, /more than once with the same socket/);
});

test('behind an https.Server, over the sans-I/O protocol', async (t) => {
  const { key, cert } = certificate();
  const server = https.createServer({ key, cert });
  const websockets = new WebSocketServer({ server, perMessageDeflate: true });
  websockets.on('connection', (websocket, request) => {
    assert.ok(request.socket instanceof tls.TLSSocket);
    echo(websocket);
  });
  const port = await listen(t, server);
  const accepted = once(websockets, 'connection');
  const client = await connect(t, `wss://localhost:${port}`, { ca: cert });
  const [peer] = await accepted;
  assert.strictEqual(client.extensions, 'permessage-deflate');
  for (const text of ['', 'one', 'x'.repeat(1 << 20)]) await echoes(client, text);
  client.ping('p');
  assert.deepStrictEqual(await once(client, 'pong'), [Buffer.from('p')]);
  await new Promise((resolve) => peer.send('with a callback', resolve));
  const [code, reason] = await new Promise((resolve) => {
    peer.on('close', (...end) => resolve(end));
    client.close(4001, 'over');
  });
  assert.deepStrictEqual([code, String(reason)], [4001, 'over']);
});

test('a TLS server of its own', async (t) => {
  const { key, cert } = certificate();
  const { url } = await serve(t, { tls: { key, cert } }, (websocket, request) => {
    assert.strictEqual(request.socket.encrypted, true);
    echo(websocket);
  });
  const secure = url.replace('ws:', 'wss:').replace('127.0.0.1', 'localhost');
  await echoes(await connect(t, secure, { ca: [cert] }), 'by authority');
  await echoes(await connect(t, secure, { rejectUnauthorized: false }), 'unchecked');
  const [error] = await once(new WebSocket(secure), 'error');
  assert.strictEqual(error.code, 'ROPEWAY_TLS');
});

test('a client over Node’s TLS, where its settings are Node’s alone', async (t) => {
  const { key, cert } = certificate();
  const { url } = await serve(t, { tls: { key, cert } }, echo);
  const secure = url.replace('ws:', 'wss:').replace('127.0.0.1', 'localhost');
  const client = await connect(t, secure, { ca: cert, minVersion: 'TLSv1.3', checkServerIdentity: () => undefined });
  assert.ok(client._socket instanceof tls.TLSSocket);
  await echoes(client, 'hello');
});

test('createConnection, and an agent', async (t) => {
  const { url } = await serve(t, {}, echo);
  const { port } = new URL(url);
  const seen = [];
  const createConnection = (where) => {
    seen.push([where.host, where.port]);
    return net.connect(where.port, where.host);
  };
  await echoes(await connect(t, url, { createConnection }), 'own socket');
  assert.deepStrictEqual(seen, [['127.0.0.1', port]]);
  await echoes(await connect(t, url, { agent: new http.Agent() }), 'Node’s agent');
  assert.throws(() => new WebSocket(url, { agent: {} }), TypeError);
  const failing = new WebSocket(url, { createConnection: () => net.connect(1, '127.0.0.1') });
  assert.strictEqual((await once(failing, 'error'))[0].code, 'ECONNREFUSED');
});

/** Two ends of a stream in memory. */
function duplexPair() {
  const make = (other) =>
    new Duplex({
      read() {},
      write(chunk, _encoding, callback) {
        setImmediate(() => {
          other().push(chunk);
          callback();
        });
      },
      final(callback) {
        other().push(null);
        callback();
      },
    });
  const [one, two] = [make(() => two), make(() => one)];
  return [one, two];
}

test('any Duplex on either side', async () => {
  const [near, far] = duplexPair();
  const websockets = new WebSocketServer({ noServer: true });
  const parser = http.createServer();
  parser.on('upgrade', (request, socket, head) => websockets.handleUpgrade(request, socket, head, echo));
  parser.emit('connection', far);
  const client = new WebSocket('ws://anything/', { createConnection: () => near });
  await once(client, 'open');
  await echoes(client, 'through memory');
  await echoes(client, 'x'.repeat(300_000));
  const received = [];
  client.on('message', (data) => received.push(String(data)));
  for (const text of ['with', 'the', 'end']) client.send(text);
  client.close(1000, 'done');
  const [code, reason] = await once(client, 'close');
  assert.deepStrictEqual([received, code, String(reason)], [['with', 'the', 'end'], 1000, 'done']);
});

test('what waits in a stream is bounded too', async () => {
  const stuck = new Duplex({ read() {}, write() {} });
  const websockets = new WebSocketServer({ noServer: true, maxQueuedBytes: 1 << 20 });
  const request = {
    method: 'GET',
    url: '/',
    httpVersion: '1.1',
    rawHeaders: ['Host', 'x', 'Upgrade', 'websocket', 'Connection', 'Upgrade', 'Sec-WebSocket-Version', '13'],
    headers: {},
    socket: stuck,
  };
  request.rawHeaders.push('Sec-WebSocket-Key', `${'A'.repeat(22)}==`);
  const peer = await new Promise((resolve) => websockets.handleUpgrade(request, stuck, Buffer.alloc(0), resolve));
  await new Promise(setImmediate);
  assert.ok(peer.bufferedAmount > 0, 'the response waits');
  peer.send(Buffer.alloc(1 << 19));
  assert.throws(() => peer.send(Buffer.alloc(1 << 19)), { code: 'ROPEWAY_SEND', message: /maxQueuedBytes/ });
  const refused = new Promise((resolve) => peer.send('x'.repeat(1 << 20), resolve));
  assert.match((await refused).message, /maxQueuedBytes/);
  peer.terminate();
});
