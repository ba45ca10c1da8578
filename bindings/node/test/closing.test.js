const assert = require('node:assert');
const { once } = require('node:events');
const net = require('node:net');
const { test } = require('node:test');

const { WebSocket } = require('..');
const { serve, pair, connect } = require('./common');

test('codes and reasons arrive on both sides', async (t) => {
  for (const [argumentsOfClose, code, reason] of [
    [[], 1005, ''],
    [[1000], 1000, ''],
    [[4999, 'why'], 4999, 'why'],
    [[3000, 'é'.repeat(61)], 3000, 'é'.repeat(61)],
  ]) {
    const { client, peer } = await pair(t);
    const ends = Promise.all([once(client, 'close'), once(peer, 'close')]);
    client.close(...argumentsOfClose);
    assert.strictEqual(client.readyState, WebSocket.CLOSING);
    for (const end of await ends) assert.deepStrictEqual(end, [code, Buffer.from(reason)]);
  }
});

test('cve_2026_45736_every_kind_of_bytes_as_a_reason_is_sent_as_its_own_bytes', async (t) => {
  const memory = new ArrayBuffer(64);
  new Uint8Array(memory).fill(0x61);
  const kinds = [
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    DataView,
  ];
  const reasons = kinds.map((Kind) => new Kind(memory, 16, Kind === DataView ? 8 : 1));
  for (const reason of [...reasons, memory.slice(0, 9), Buffer.from('aaa')]) {
    const { client, peer } = await pair(t);
    client.close(1000, reason);
    const [code, received] = await once(peer, 'close');
    assert.strictEqual(code, 1000);
    assert.strictEqual(received.toString(), 'a'.repeat(reason.byteLength));
    peer.removeAllListeners();
    // The same bytes as a message, a ping and a pong.
    const other = await pair(t);
    other.client.send(reason);
    const [message] = await once(other.peer, 'message');
    assert.strictEqual(message.toString(), 'a'.repeat(reason.byteLength));
    other.client.ping(reason);
    const [pong] = await once(other.client, 'pong');
    assert.strictEqual(pong.toString(), 'a'.repeat(reason.byteLength));
  }
});

test('codes and reasons that cannot be sent', async (t) => {
  const { client } = await pair(t);
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, '1000', NaN, null]) {
    assert.throws(() => client.close(code), TypeError, String(code));
  }
  assert.throws(() => client.close(1000, 'x'.repeat(124)), RangeError);
  assert.throws(() => client.close(1000, Buffer.from([0xff])), TypeError);
  assert.throws(() => client.close(1000, {}), TypeError);
  assert.strictEqual(client.readyState, WebSocket.OPEN);
});

test('what is sent before a close arrives, and what is sent after it does not', async (t) => {
  const { client, peer } = await pair(t);
  const received = [];
  peer.on('message', (data) => received.push(data.toString()));
  client.send('before');
  client.close();
  const failed = new Promise((resolve) => client.send('after', resolve));
  assert.match((await failed).message, /not open: readyState 2 \(CLOSING\)/);
  assert.strictEqual(client.bufferedAmount >= 5, true);
  await once(peer, 'close');
  assert.deepStrictEqual(received, ['before']);
  client.close();
  client.terminate();
});

test('a Blob that is being read goes out before the close that follows it', async (t) => {
  const { client, peer } = await pair(t);
  const received = [];
  peer.on('message', (data) => received.push(data.toString()));
  client.send(new Blob(['blob']));
  client.send('text');
  client.close(1000);
  assert.strictEqual((await once(peer, 'close'))[0], 1000);
  assert.deepStrictEqual(received, ['blob', 'text']);
});

test('a Blob that cannot be read ends the connection, and nothing goes out when that has ended meanwhile', async (t) => {
  class Broken extends Blob {
    async arrayBuffer() {
      throw new DOMException('gone', 'NotReadableError');
    }
  }
  const { client, peer } = await pair(t);
  peer.on('message', assert.fail);
  const ends = Promise.all([once(peer, 'close'), new Promise((resolve) => client.on('close', resolve))]);
  const called = new Promise((resolve) => client.send(new Broken(['x']), resolve));
  const [error] = await once(client, 'error');
  assert.strictEqual(error.name, 'NotReadableError');
  assert.strictEqual(await called, error);
  const [[code], own] = await ends;
  assert.deepStrictEqual([code, own], [1006, 1006]);

  const other = await pair(t);
  const failed = new Promise((resolve) => other.client.send(new Blob(['x']), resolve));
  other.client.terminate();
  assert.match((await failed).message, /not open/);
});

test('terminate is 1006 on both sides, without an error', async (t) => {
  const { client, peer } = await pair(t);
  for (const side of [client, peer]) side.on('error', assert.fail);
  client.terminate();
  assert.strictEqual(client.readyState, WebSocket.CLOSING);
  const [[code], [peerCode]] = await Promise.all([once(client, 'close'), once(peer, 'close')]);
  assert.deepStrictEqual([code, peerCode], [1006, 1006]);
});

test('close and terminate before it is open', async (t) => {
  const { url } = await serve(t);
  for (const name of ['close', 'terminate']) {
    const client = new WebSocket(url);
    assert.throws(() => client.send('x'), { message: 'WebSocket is not open: readyState 0 (CONNECTING)' });
    const end = Promise.all([
      once(client, 'error'),
      new Promise((resolve) => client.on('close', (...end) => resolve(end))),
    ]);
    client[name]();
    assert.strictEqual(client.readyState, WebSocket.CLOSING);
    const [[error], [code]] = await end;
    assert.strictEqual(error.message, 'WebSocket was closed before the connection was established');
    assert.strictEqual(code, 1006);
  }
});

test('a peer that breaks the protocol: the error has the code of ws, and the peer is told', async (t) => {
  const head =
    'GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
  const mask = [0, 0, 0, 0];
  const cases = [
    ['WS_ERR_UNEXPECTED_RSV_1', 1002, [0xc1, 0x80, ...mask]],
    ['WS_ERR_UNEXPECTED_RSV_2_3', 1002, [0xa1, 0x80, ...mask]],
    ['WS_ERR_INVALID_OPCODE', 1002, [0x83, 0x80, ...mask]],
    ['WS_ERR_INVALID_OPCODE', 1002, [0x80, 0x80, ...mask]],
    ['WS_ERR_EXPECTED_FIN', 1002, [0x09, 0x80, ...mask]],
    ['WS_ERR_EXPECTED_MASK', 1002, [0x81, 0x00]],
    ['WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH', 1002, [0x89, 0xfe, 0, 126, ...mask]],
    ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 1002, [0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255, ...mask]],
    ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009, [0x82, 0xfe, 1, 0, ...mask]],
    ['WS_ERR_INVALID_CLOSE_CODE', 1002, [0x88, 0x82, ...mask, 3, 0xed]],
    ['WS_ERR_INVALID_UTF8', 1007, [0x81, 0x81, ...mask, 0xff]],
  ];
  for (const [code, closeCode, frame] of cases) {
    const { server, url } = await serve(t, { maxPayload: 255 });
    const socket = net.connect(new URL(url).port, '127.0.0.1');
    socket.write(head);
    const [peer] = await once(server, 'connection');
    const error = once(peer, 'error');
    const closed = new Promise((resolve) => peer.on('close', (...end) => resolve(end)));
    socket.write(Buffer.from(frame));
    const received = [];
    for await (const chunk of socket) received.push(chunk);
    assert.strictEqual((await error)[0].code, code);
    assert.deepStrictEqual((await closed)[0], 1006);
    const [, frames] = Buffer.concat(received).toString('latin1').split('\r\n\r\n');
    const sent = Buffer.from(frames, 'latin1');
    assert.deepStrictEqual([sent[0], sent.readUInt16BE(2)], [0x88, closeCode], code);
  }
});

test('a peer that goes without a Close frame is 1006 without an error', async (t) => {
  const { server, url } = await serve(t);
  const accepted = once(server, 'connection');
  const client = await connect(t, url);
  const [peer] = await accepted;
  peer.on('error', assert.fail);
  client.terminate();
  const [code, reason] = await once(peer, 'close');
  assert.deepStrictEqual([code, reason.length], [1006, 0]);
});

test('server.close takes no more connections, and tells when the last one has gone', async (t) => {
  const { server, url, client, peer } = await pair(t);
  let isClosed = false;
  const closed = new Promise((resolve) => server.close(resolve)).then(() => {
    isClosed = true;
  });
  const [error] = await once(new WebSocket(url), 'error');
  assert.strictEqual(error.code, 'ECONNREFUSED');
  assert.strictEqual(isClosed, false);
  client.send('still open');
  await once(peer, 'message');
  client.close();
  await closed;
  assert.strictEqual(server.clients.size, 0);
  const again = await new Promise((resolve) => server.close(resolve));
  assert.match(again.message, /not running/);
});

test('server.close more than once is one end', async (t) => {
  const { server } = await serve(t);
  let ends = 0;
  server.on('close', () => ends++);
  for (let i = 0; i < 3; i++) server.close();
  await once(server, 'close');
  await new Promise(setImmediate);
  assert.strictEqual(ends, 1);
});

test('a question is answered although the Close frame came with it', async (t) => {
  const { url } = await serve(t, {}, (peer) => peer.on('message', (data) => peer.send(`answer to ${data}`)));
  const client = await connect(t, url);
  const received = [];
  client.on('message', (data) => received.push(String(data)));
  client.send('1');
  client.send('2');
  client.close(1000);
  const [code] = await once(client, 'close');
  assert.deepStrictEqual([received, code], [['answer to 1', 'answer to 2'], 1000]);
});

test('a server that is closed while others knock drops them', async (t) => {
  const { server, url } = await serve(t);
  server.on('headers', () => server.close());
  const ends = Array.from({ length: 20 }, () => {
    const client = new WebSocket(url);
    t.after(() => client.terminate());
    return new Promise((resolve) => {
      client.on('open', () => resolve('open'));
      client.on('error', () => resolve('error'));
    });
  });
  const all = await Promise.all(ends);
  assert.ok(all.includes('open') && all.includes('error'), all.join());
});
