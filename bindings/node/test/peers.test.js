// With other implementations, both ways.

const assert = require('node:assert');
const { once } = require('node:events');
const { test } = require('node:test');

const undici = require('undici');
const ws = require('ws');

const ropeway = require('..');
const { serve, echo } = require('./common');

const SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20];

/** Sends messages to an echo server and compares what comes back, by the face of the web. */
async function exchange(client) {
  client.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    client.addEventListener('open', resolve);
    client.addEventListener('error', reject);
  });
  const received = [];
  const sent = SIZES.flatMap((size) => ['é'.repeat(size / 2), Buffer.alloc(size, 'bytes')]);
  const done = new Promise((resolve) => {
    client.addEventListener('message', ({ data }) => {
      received.push(typeof data === 'string' ? data : Buffer.from(data));
      if (received.length === sent.length) resolve();
    });
  });
  for (const message of sent) client.send(message);
  await done;
  assert.deepStrictEqual(received, sent);
  const closed = new Promise((resolve) => client.addEventListener('close', resolve));
  client.close(4002, 'done');
  const { code, wasClean } = await closed;
  assert.deepStrictEqual([code, wasClean], [4002, true]);
}

for (const perMessageDeflate of [false, true]) {
  const name = perMessageDeflate ? 'compressed' : 'plain';
  for (const [peer, Client] of [
    ['ws', ws.WebSocket],
    ['undici', undici.WebSocket],
    ['itself', ropeway.WebSocket],
  ]) {
    test(`a client of ${peer} with this server, ${name}`, async (t) => {
      const ends = [];
      const { url } = await serve(t, { perMessageDeflate }, (websocket) => {
        echo(websocket);
        websocket.on('close', (code, reason) => ends.push([code, String(reason)]));
      });
      await exchange(new Client(url));
      assert.deepStrictEqual(ends, [[4002, 'done']]);
    });
  }

  test(`this client with a server of ws, ${name}`, async (t) => {
    const server = new ws.WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate });
    t.after(() => server.close());
    await once(server, 'listening');
    const ended = new Promise((resolve) => {
      server.on('connection', (websocket) => {
        echo(websocket);
        websocket.on('close', (code, reason) => resolve([code, String(reason)]));
      });
    });
    await exchange(new ropeway.WebSocket(`ws://127.0.0.1:${server.address().port}`));
    assert.deepStrictEqual(await ended, [4002, 'done']);
  });
}

test('a client of ws gets the subprotocol and the headers', async (t) => {
  const { server, url } = await serve(t, { handleProtocols: () => 'two' });
  server.on('headers', (lines) => lines.push('X-One: 1'));
  const client = new ws.WebSocket(url, ['one', 'two']);
  const [[response]] = await Promise.all([once(client, 'upgrade'), once(client, 'open')]);
  assert.strictEqual(response.headers['x-one'], '1');
  assert.strictEqual(client.protocol, 'two');
  client.terminate();
});
