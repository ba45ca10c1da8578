const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');
const zlib = require('node:zlib');

const { WebSocket } = require('..');
const { connect, pair, serve } = require('./common');

/** How a side ends: its error's code, and the close code. */
function end(websocket) {
  return new Promise((resolve) => {
    let error;
    websocket.on('error', ({ code }) => {
      error = code;
    });
    websocket.on('close', (code) => resolve([error, code]));
  });
}

/** A client that opens and then says and answers nothing more. */
async function silent(t, url, fields = '') {
  const socket = net.connect(new URL(url).port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write(
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${fields}\r\n`,
  );
  return socket;
}

test('maxPayload and maxFragments close with 1009, and 0 is no limit', async (t) => {
  for (const [options, act, code] of [
    [{ maxPayload: 10 }, (client) => client.send('x'.repeat(11)), 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
    [
      { maxFragments: 2 },
      (client) => {
        for (let i = 0; i < 3; i++) client.send('x', { fin: false });
      },
      'WS_ERR_TOO_MANY_BUFFERED_PARTS',
    ],
  ]) {
    const { client, peer } = await pair(t, { server: options });
    const ends = Promise.all([end(client), end(peer)]);
    act(client);
    assert.deepStrictEqual(await ends, [
      [undefined, 1009],
      [code, 1006],
    ]);
  }
  const { client, peer } = await pair(t, { server: { maxPayload: 0, maxFragments: 0 } });
  client.send(Buffer.alloc(17 << 20));
  const [data] = await once(peer, 'message');
  assert.strictEqual(data.length, 17 << 20);
});

test('a client that is refused for what it sends with its request ends no server', async (t) => {
  const { url } = await serve(t);
  const socket = await silent(t, url);
  // It has to wait for the answer before it sends frames; what comes before is held within the bound on heads.
  socket.write(Buffer.alloc(64 << 10));
  let answer = '';
  socket.setEncoding('latin1').on('data', (data) => {
    answer += data;
  });
  socket.on('error', () => {});
  await once(socket, 'close');
  if (answer !== '') assert.match(answer, /^HTTP\/1\.1 431 /);
  const client = await connect(t, url);
  assert.strictEqual(client.readyState, WebSocket.OPEN);
});

test('cve_2026_48779_cve_2026_12151_tiny_fragments_close_a_node_connection', async (t) => {
  const { client, peer } = await pair(t);
  const ends = Promise.all([end(client), end(peer)]);
  for (let i = 0; i <= 65_536; i++) client.send('', { fin: false });
  const [[, code], [error]] = await ends;
  assert.deepStrictEqual([code, error], [1009, 'WS_ERR_TOO_MANY_BUFFERED_PARTS']);
});

test('cve_2026_1526_pysec_2018_79_a_bomb_costs_nodes_limit_and_not_its_size', async (t) => {
  const { server, url } = await serve(t, { perMessageDeflate: true });
  const accepted = once(server, 'connection');
  const socket = await silent(t, url, 'Sec-WebSocket-Extensions: permessage-deflate\r\n');
  const ended = end((await accepted)[0]);
  // RFC 7692 section 7.2.1: a message of 2 GiB, the same mebibyte of zeros again and again.
  const flush = zlib.constants.Z_FULL_FLUSH;
  const mebibyte = zlib.deflateRawSync(Buffer.alloc(1 << 20), { finishFlush: flush });
  const bomb = Buffer.concat(Array(2048).fill(mebibyte));
  const before = process.memoryUsage.rss();
  // Its key is zero, so that the mask changes nothing.
  const header = Buffer.alloc(14);
  header.writeUInt16BE(0xc2ff);
  header.writeBigUInt64BE(BigInt(bomb.length), 2);
  socket.write(header);
  socket.write(bomb);
  assert.deepStrictEqual(await ended, ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1006]);
  // The limit is 16 MiB; what else the process has meanwhile may be many times that, and is far from 2 GiB.
  assert.ok(process.memoryUsage.rss() - before < 256 << 20);
});

test('a peer that is silent: pings, the pong time-out, the idle time-out', async (t) => {
  const keepAlive = await serve(t, { pingInterval: 10, pongTimeout: 10 });
  const accepted = once(keepAlive.server, 'connection');
  await silent(t, keepAlive.url);
  // That is no error of the application's, as when the network loses a connection.
  assert.deepStrictEqual(await end((await accepted)[0]), [undefined, 1006]);

  const idle = await serve(t, { idleTimeout: 10, pingInterval: 0 });
  const client = await connect(t, idle.url);
  assert.strictEqual((await end(client))[1], 1001);
});

test('a peer that does not answer a close is dropped after closeTimeout', async (t) => {
  const { server, url } = await serve(t, { closeTimeout: 10 });
  const accepted = once(server, 'connection');
  await silent(t, url);
  const [peer] = await accepted;
  const ended = end(peer);
  peer.close(1000);
  assert.deepStrictEqual(await ended, [undefined, 1006]);
});

test('the engine’s own pings and pongs are no events', async (t) => {
  const { client, peer } = await pair(t, { server: { pingInterval: 5 }, client: { pingInterval: 5 } });
  peer.on('pong', () => assert.fail('nobody asked for it'));
  const pings = [];
  client.on('ping', (data) => pings.push(data));
  while (pings.length < 3) await once(client, 'ping');
  assert.strictEqual(client.readyState, WebSocket.OPEN);
});

test('a slow subscriber is left out, or closed where the server wants it', async (t) => {
  for (const closeSlowSubscribers of [false, true]) {
    const limits = { highWaterMark: 1 << 16, lowWaterMark: 1 << 10, closeSlowSubscribers };
    const { server, url } = await serve(t, limits, (peer) => peer.subscribe('news'));
    const accepted = once(server, 'connection');
    await silent(t, url).then((socket) => socket.pause());
    const [peer] = await accepted;
    const ended = end(peer);
    let published = 0;
    const isOver = () => (closeSlowSubscribers ? peer.readyState !== WebSocket.OPEN : published === 64);
    while (!isOver()) {
      published++;
      server.publish('news', Buffer.alloc(1 << 20));
      await new Promise(setImmediate);
    }
    if (closeSlowSubscribers) assert.strictEqual((await ended)[1], 1006);
    // Of 64 MiB only what its socket and its queue took.
    else assert.ok(peer.bufferedAmount < 8 << 20, String(peer.bufferedAmount));
  }
});
