const assert = require('node:assert');
const { once } = require('node:events');
const { test } = require('node:test');
const { setImmediate } = require('node:timers/promises');

const { serve, echo, connect, pair } = require('./common');

test('text and binary messages come back as they were sent, in order', async (t) => {
  const { url } = await serve(t, {}, echo);
  const client = await connect(t, url);
  const sizes = [0, 1, 125, 126, 1000, 16383, 16384, 65535, 65536, 70000, 1 << 20];
  const received = [];
  client.on('message', (data, isBinary) => received.push([data, isBinary]));
  const sent = [];
  for (const size of sizes) {
    const bytes = Buffer.alloc(size, 'bytes');
    sent.push([bytes, true], [Buffer.from('é'.repeat(size)), false]);
    client.send(bytes);
    client.send('é'.repeat(size));
  }
  while (received.length < sent.length) await once(client, 'message');
  assert.deepStrictEqual(received, sent);
});

test('what can be sent', async (t) => {
  const { client, peer } = await pair(t);
  const numbers = new Float64Array([1.5, -2]);
  const whole = Buffer.from('0123456789');
  const view = new DataView(whole.buffer, whole.byteOffset + 2, 3);
  const cases = [
    ['text', 'text', false],
    ['\ud800', '\ufffd', false],
    [17, '17', false],
    [undefined, '', true],
    [null, '', true],
    [whole, '0123456789', true],
    [view, '234', true],
    [new Uint8Array([104, 105]).buffer, 'hi', true],
    [numbers, Buffer.from(numbers.buffer).toString('latin1'), true],
    [new Uint16Array([0x6869, 0x6a6b]).subarray(1), 'kj', true],
    [[104, 105], 'hi', true],
    [[Buffer.from('frag'), Buffer.from('ments')], 'fragments', true],
    [new Blob(['a ', 'blob']), 'a blob', true],
  ];
  const received = [];
  peer.on('message', (data, isBinary) => received.push([data.toString(isBinary ? 'latin1' : 'utf8'), isBinary]));
  for (const [data] of cases) client.send(data);
  client.send('after the blob');
  client.send('binary text', { binary: true });
  client.send(Buffer.from('text of bytes'), { binary: false });
  while (received.length < cases.length + 3) await once(peer, 'message');
  assert.deepStrictEqual(received, [
    ...cases.map(([, data, isBinary]) => [data, isBinary]),
    ['after the blob', false],
    ['binary text', true],
    ['text of bytes', false],
  ]);
});

test('bytes that are no text are refused, to the callback or the caller', async (t) => {
  const { client } = await pair(t);
  const invalid = Buffer.from([0xc0]);
  assert.throws(() => client.send(invalid, { binary: false }), { code: 'ROPEWAY_SEND', message: /UTF-8/ });
  const error = await new Promise((resolve) => {
    client.send(invalid, { binary: false }, resolve);
  });
  assert.match(error.message, /UTF-8/);
  assert.throws(() => client.send({}), TypeError);
  assert.strictEqual(client.readyState, client.OPEN);
});

test('binaryType decides what binary messages are', async (t) => {
  const { client, peer } = await pair(t);
  const seen = [];
  for (const type of ['nodebuffer', 'arraybuffer', 'fragments', 'blob', 'nonsense']) {
    client.binaryType = type;
    peer.send(Buffer.from('data'));
    const [data, isBinary] = await once(client, 'message');
    assert.strictEqual(isBinary, true);
    seen.push(data);
  }
  assert.ok(Buffer.isBuffer(seen[0]));
  assert.ok(seen[1] instanceof ArrayBuffer);
  assert.strictEqual(Buffer.from(seen[1]).toString(), 'data');
  assert.deepStrictEqual(seen[2], [Buffer.from('data')]);
  assert.ok(seen[3] instanceof Blob && seen[4] instanceof Blob);
  assert.strictEqual(await seen[3].text(), 'data');
});

test('a message in fragments comes whole, and its kind is its first fragment’s', async (t) => {
  const { client, peer } = await pair(t);
  const received = [];
  peer.on('message', (data, isBinary) => received.push([data.toString(), isBinary]));
  peer.on('ping', (data) => received.push(data.toString()));
  client.send('frag', { fin: false });
  client.send(Buffer.from('men'), { fin: false });
  client.send('ts', { fin: true });
  client.send('whole');
  client.send(Buffer.from('a'), { fin: false });
  for (const name of ['ping', 'pong']) assert.throws(() => client[name]('x'.repeat(126)), RangeError);
  client.ping('between');
  client.send('b');
  while (received.length < 4) await once(peer, 'message');
  assert.deepStrictEqual(received, [['fragments', false], ['whole', false], 'between', ['ab', true]]);
});

test('callbacks of sends come in order, also above the high-water mark', async (t) => {
  const { client, peer } = await pair(t, { client: { highWaterMark: 1000, lowWaterMark: 100 } });
  peer.pause();
  const done = [];
  const payload = Buffer.alloc(1 << 20);
  const all = [];
  for (let i = 0; i < 20; i++) {
    all.push(new Promise((resolve) => client.send(payload, (error) => resolve(done.push([i, error])))));
  }
  assert.ok(client.bufferedAmount > 0);
  assert.strictEqual(done.length, 0);
  peer.resume();
  await Promise.all(all);
  assert.deepStrictEqual(
    done,
    Array.from({ length: 20 }, (_, i) => [i, undefined]),
  );
  assert.strictEqual(client.bufferedAmount, 0);
});

test('a message that the queue has no room for is refused whole', async (t) => {
  const { client, peer } = await pair(t, { server: { maxPayload: 64 << 20 }, client: { maxQueuedBytes: 1 << 20 } });
  peer.pause();
  // The first is taken whatever its size.
  client.send(Buffer.alloc(32 << 20));
  assert.throws(() => client.send('more'), { code: 'ROPEWAY_SEND', message: /send_queue_limit/ });
  peer.resume();
  const [data] = await once(peer, 'message');
  assert.strictEqual(data.length, 32 << 20);
});

test('pause holds back what has come already, and resume hands it on in order', async (t) => {
  const { client, peer } = await pair(t);
  const received = [];
  peer.on('message', (data) => {
    received.push(data.toString());
    if (received.length === 1) peer.pause();
  });
  for (const text of ['1', '2', '3']) client.send(text);
  await once(peer, 'message');
  assert.strictEqual(peer.isPaused, true);
  await setImmediate();
  assert.deepStrictEqual(received, ['1']);
  peer.resume();
  client.send('4');
  while (received.length < 4) await once(peer, 'message');
  assert.deepStrictEqual(received, ['1', '2', '3', '4']);
  assert.strictEqual(peer.isPaused, false);
});

test('a view of a message stays what it is while others come', async (t) => {
  const { url } = await serve(t, {}, echo);
  const client = await connect(t, url);
  const kept = [];
  client.on('message', (data) => kept.push(data));
  const count = 5000;
  for (let i = 0; i < count; i++) client.send(`message ${i}`);
  while (kept.length < count) await once(client, 'message');
  for (const [i, data] of kept.entries()) assert.strictEqual(data.toString(), `message ${i}`);
});

test('messages that were read in one go stay what they are, between others and with what comes behind them', async (t) => {
  const { url } = await serve(t, {}, echo);
  const client = await connect(t, url);
  const sent = [];
  const kept = [];
  client.on('message', (data) => kept.push(data));
  for (const size of [10, 3000, 16 << 10, 100 << 10]) {
    for (let i = 0; i < 100; i++) sent.push(Buffer.alloc(size + i, `${size} ${i} `));
  }
  for (const data of sent) client.send(data);
  const ponged = once(client, 'pong');
  client.ping('behind');
  while (kept.length < sent.length) await once(client, 'message');
  await ponged;
  for (const [i, data] of kept.entries()) assert.ok(data.equals(sent[i]), `message ${i}`);
});

test('blocks whose messages are forgotten are used again, and a message that is kept keeps its own', async (t) => {
  const { url } = await serve(t, {}, echo);
  const client = await connect(t, url);
  const count = 1000;
  const sent = Buffer.alloc(100 << 10, 'a large message ');
  const kept = [];
  let most = 0;
  for (let i = 0; i < count; i++) {
    sent.writeUInt32BE(i);
    client.send(sent);
    const [data] = await once(client, 'message');
    if (i % 100 === 0) kept.push(data);
    most = Math.max(most, process.memoryUsage().external);
  }
  for (const [i, data] of kept.entries()) {
    sent.writeUInt32BE(100 * i);
    assert.ok(data.equals(sent), `message ${100 * i}`);
  }
  // Some 200 MiB have come, in blocks of twice as much.
  assert.ok(most < 160 << 20, `${most >> 20} MiB`);
});

test('pings and pongs', async (t) => {
  const { client, peer } = await pair(t);
  client.ping('a');
  assert.deepStrictEqual(await once(peer, 'ping'), [Buffer.from('a')]);
  assert.deepStrictEqual(await once(client, 'pong'), [Buffer.from('a')]);
  await new Promise((resolve) => client.ping(1234, undefined, resolve));
  assert.deepStrictEqual(await once(client, 'pong'), [Buffer.from('1234')]);
  peer.pong('unasked', false);
  assert.deepStrictEqual(await once(client, 'pong'), [Buffer.from('unasked')]);
});

test('without autoPong a ping is answered by the application', async (t) => {
  const { client, peer } = await pair(t, { server: { autoPong: false } });
  peer.on('ping', () => peer.pong('mine'));
  client.ping('yours');
  assert.deepStrictEqual(await once(client, 'pong'), [Buffer.from('mine')]);
});

test('compressed messages, and one that is not to be', async (t) => {
  const { client, peer } = await pair(t, { server: { perMessageDeflate: { threshold: 10 } } });
  assert.strictEqual(client.extensions, 'permessage-deflate');
  assert.strictEqual(peer.extensions, 'permessage-deflate');
  const text = 'again and '.repeat(10000);
  for (const options of [{}, { compress: false }]) {
    client.send(text, options);
    const [data] = await once(peer, 'message');
    assert.strictEqual(data.toString(), text);
    peer.send(data, { ...options, binary: true });
    const [back, isBinary] = await once(client, 'message');
    assert.deepStrictEqual([back, isBinary], [data, true]);
  }
});
