const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const http = require('node:http');
const { test } = require('node:test');

const { WebSocketServer } = require('..');
const { connect, pair } = require('./common');

const ROPEWAY = JSON.stringify(require.resolve('..'));

test('a connection and its thread are counted', async (t) => {
  const { server, client, peer } = await pair(t, { server: { perMessageDeflate: true } });
  const before = server.metrics();
  client.ping();
  client.send('x'.repeat(10_000));
  await once(peer, 'message');
  const [sent, received] = [client.metrics().sent, peer.metrics().received];
  assert.deepStrictEqual(sent, received);
  assert.deepStrictEqual([received.messages, received.payload, received.pings], [1, 10_000, 1]);
  assert(received.bytes < 1000, 'it was compressed');
  const { received: all } = server.metrics();
  assert.strictEqual(all.payload - before.received.payload, 10_000);
  assert.strictEqual(server.metrics().connections, 2);

  client.close(4000);
  await once(client, 'close');
  assert.strictEqual(client.metrics(), null);
  const { closeCodes, refused, closed } = server.metrics();
  assert.strictEqual(closeCodes['4000-4999'], closed - before.closed);
  assert.deepStrictEqual(refused, { connections: 0, addresses: 0, application: 0, handshake: 0, tls: 0, timeout: 0 });
});

test('Prometheus reads the figures from the same port', async (t) => {
  const page = http.createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
    response.end(server.prometheus());
  });
  const server = new WebSocketServer({ server: page.listen(0, '127.0.0.1') });
  t.after(() => page.close());
  await once(page, 'listening');
  const { port } = page.address();
  await connect(t, `ws://127.0.0.1:${port}`);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  assert.match(text, /^# TYPE ropeway_opened_total counter\nropeway_opened_total \d+$/m);
});

test('NODE_DEBUG=ropeway shows openings, frames and ends', async () => {
  const program = `
    const { WebSocket, WebSocketServer } = require(${ROPEWAY});
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 }, () => {
      const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
      client.on('open', () => { client.send('hello'); client.close(1000, 'bye'); });
      client.on('close', () => server.close());
    });`;
  const run = async (NODE_DEBUG) => {
    const child = spawn(process.execPath, ['-e', program], { env: { ...process.env, NODE_DEBUG } });
    let shown = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      shown += text;
    });
    const [status] = await once(child, 'close');
    assert.strictEqual(status, 0, shown);
    return shown;
  };
  const shown = await run('ropeway');
  for (const line of [
    /^ROPEWAY \d+: ws:\/\/127.0.0.1:\d+\/? opened$/m,
    /^ROPEWAY \d+: > TEXT 'hello' \[5 bytes\]$/m,
    /^ROPEWAY \d+: < CLOSE 1000 bye \[5 bytes\]$/m,
    /^ROPEWAY \d+: closed with 1000$/m,
  ])
    assert.match(shown, line);
  assert.strictEqual(await run(''), '');
});
