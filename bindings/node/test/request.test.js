// Handshakes by an http.ClientRequest of Node's (lib/request.js).

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { test } = require('node:test');

const { WebSocket } = require('..');
const { connect, echo, serve } = require('./common');

/** The request that a server of `t` gets from a client with these options, and the client. */
async function asked(t, options, serverOptions = {}) {
  const { server, url } = await serve(t, serverOptions, echo);
  const accepted = once(server, 'connection');
  const client = await connect(t, `${url}/a?b=c`, options);
  const [, request] = await accepted;
  return { client, request };
}

/** How an attempt that fails ended. */
async function failure(url, options) {
  const client = new WebSocket(url, options);
  const closed = new Promise((resolve) => client.on('close', resolve));
  const [error] = await once(client, 'error');
  assert.strictEqual(await closed, 1006);
  return error;
}

/** A server that sends each path of `locations` elsewhere. */
async function redirecting(t, locations) {
  const server = http.createServer();
  const seen = [];
  server.on('upgrade', ({ url, headers }, socket) => {
    seen.push({ url, headers });
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${locations[url]}\r\nContent-Length: 0\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return { url: `ws://127.0.0.1:${server.address().port}`, seen };
}

test('finishRequest sends the request, now or later', async (t) => {
  for (const later of [false, true]) {
    const { client, request } = await asked(t, {
      headers: { 'X-Given': 'given', Cookie: 'a=b' },
      origin: 'http://here',
      finishRequest(outgoing, websocket) {
        assert.ok(outgoing instanceof http.ClientRequest);
        assert.strictEqual(websocket.readyState, WebSocket.CONNECTING);
        assert.strictEqual(outgoing.getHeader('x-given'), 'given');
        outgoing.setHeader('X-Mine', 'mine');
        outgoing.removeHeader('Cookie');
        if (later) setImmediate(() => outgoing.end());
        else outgoing.end();
      },
    });
    const { origin, cookie, host, 'x-given': given, 'x-mine': mine } = request.headers;
    assert.deepStrictEqual([given, mine, cookie, origin], ['given', 'mine', undefined, 'http://here']);
    assert.deepStrictEqual([request.url, host], ['/a?b=c', new URL(client.url).host]);
    client.send('answered');
    assert.strictEqual(String((await once(client, 'message'))[0]), 'answered');
  }
});

test('an agent, a stream of the caller’s, a lookup', async (t) => {
  const made = [];
  class OwnAgent extends http.Agent {
    createConnection(...values) {
      made.push('agent');
      return super.createConnection(...values);
    }
  }
  const createConnection = ({ host, port }) => {
    made.push('stream');
    return net.connect({ host, port });
  };
  const lookup = (_name, _options, callback) => {
    made.push('lookup');
    callback(null, [{ address: '127.0.0.1', family: 4 }]);
  };
  const { url } = await serve(t, {}, echo);
  const named = url.replace('127.0.0.1', 'somewhere.invalid');
  for (const [address, options] of [
    [url, { agent: new OwnAgent() }],
    [url, { createConnection }],
    [named, { lookup }],
  ]) {
    const client = await connect(t, address, { protocols: ['chat'], ...options });
    assert.strictEqual(client.protocol, 'chat');
    client.send('over it');
    assert.strictEqual(String((await once(client, 'message'))[0]), 'over it');
    client.close(1000, 'bye');
    assert.deepStrictEqual(await once(client, 'close'), [1000, Buffer.from('bye')]);
  }
  assert.deepStrictEqual(made, ['agent', 'stream', 'lookup']);
  assert.throws(() => new WebSocket(url, { agent: new OwnAgent(), proxy: true }), TypeError);
});

test('what fails on the way', async (t) => {
  const free = net.createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address();
  const silent = { createConnection: () => net.connect(port, '127.0.0.1'), handshakeTimeout: 20 };
  const late = await failure('ws://127.0.0.1/', silent);
  assert.deepStrictEqual([late.message, late.code], ['Opening handshake has timed out', 'ROPEWAY_HANDSHAKE_TIMEOUT']);
  free.close();
  const refused = await failure(`ws://127.0.0.1:${port}`, { family: 4 });
  assert.strictEqual(refused.code, 'ECONNREFUSED');
  const { url } = await serve(t, { verifyClient: () => false });
  const { message } = await failure(url, { agent: new http.Agent() });
  assert.strictEqual(message, 'Unexpected server response: 401');
  const given = new WebSocket(url, { agent: new http.Agent() });
  given.terminate();
  assert.match((await once(given, 'error'))[0].message, /closed before the connection was established/);
});

test('redirects are followed when asked to; no secrets go along to another origin', async (t) => {
  const { server, url } = await serve(t, { path: '/there' });
  const arrived = [];
  let host;
  server.on('headers', (_lines, { headers }) => {
    host = headers.host;
    arrived.push([headers.authorization, headers.cookie]);
  });
  const { url: first, seen } = await redirecting(t, {
    '/here': '/near',
    '/near': `${url}/there`,
    '/loop': '/loop',
    '/bad': 'ws://:x',
  });
  assert.strictEqual((await failure(`${first}/here`)).message, 'Unexpected server response: 302');
  const options = { followRedirects: true, auth: 'user:secret', headers: { Cookie: 'a=b', Host: 'foo' } };
  const secret = `Basic ${Buffer.from('user:secret').toString('base64')}`;

  seen.length = 0;
  const plain = await connect(t, `${first}/here`, options);
  assert.strictEqual(plain.url, `${url}/there`);
  assert.deepStrictEqual(
    seen.map(({ headers }) => [headers.authorization, headers.cookie]),
    [
      [secret, 'a=b'],
      [secret, 'a=b'],
    ],
  );
  assert.deepStrictEqual(arrived.pop(), [undefined, undefined]);
  assert.strictEqual(host, new URL(url).host);

  // With a listener they do, as far as it leaves them.
  const told = [];
  const listening = new WebSocket(`${first}/here`, options);
  listening.on('redirect', (to, request) => {
    told.push(to);
    assert.strictEqual(request.getHeader('authorization'), secret);
    request.removeHeader('cookie');
  });
  await once(listening, 'open');
  listening.terminate();
  assert.deepStrictEqual(told, [`${first}/near`, `${url}/there`]);
  assert.deepStrictEqual(arrived.pop(), [secret, undefined]);

  // Two sockets in the file system are two servers.
  const listen = async (name, answer) => {
    const file = path.join(os.tmpdir(), `ropeway-${process.pid}-${name}.sock`);
    const unix = http.createServer().on('upgrade', answer).listen(file);
    t.after(() => unix.close());
    await once(unix, 'listening');
    return `ws+unix:${file}:/`;
  };
  let credentials = 'none seen';
  const second = await listen('second', ({ headers }, socket) => {
    credentials = headers.authorization;
    socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
  });
  const elsewhere = await listen('first', (_request, socket) => {
    socket.end(`HTTP/1.1 302 Found\r\nLocation: ${second}\r\nContent-Length: 0\r\n\r\n`);
  });
  assert.strictEqual((await failure(elsewhere, options)).message, 'Unexpected server response: 403');
  assert.strictEqual(credentials, undefined);

  const many = await failure(`${first}/loop`, { followRedirects: true, maxRedirects: 3 });
  assert.strictEqual(many.message, 'Maximum redirects exceeded');
  assert.ok((await failure(`${first}/bad`, { followRedirects: true })) instanceof SyntaxError);
});
