const assert = require('node:assert');
const { once } = require('node:events');
const { pipeline } = require('node:stream/promises');
const { Readable, Writable } = require('node:stream');
const { test } = require('node:test');

const { WebSocketError, WebSocketStream, createWebSocketStream } = require('..');
const { serve, echo, pair } = require('./common');

test('createWebSocketStream pipes both ways, with back-pressure', async (t) => {
  const { client, peer } = await pair(t);
  const pieces = Array.from({ length: 200 }, (_, i) => Buffer.alloc(20_000, String(i)));
  const received = [];
  const slow = new Writable({
    highWaterMark: 1,
    write(chunk, _encoding, callback) {
      received.push(chunk);
      setImmediate(callback);
    },
  });
  const far = createWebSocketStream(peer);
  await Promise.all([
    pipeline(Readable.from(pieces), createWebSocketStream(client), new Writable({ write: (_c, _e, done) => done() })),
    pipeline(far, slow).then(() => far.end()),
  ]);
  assert.ok(Buffer.concat(received).equals(Buffer.concat(pieces)));
});

test('a stream that is destroyed drops its connection', async (t) => {
  const { client, peer } = await pair(t);
  const stream = createWebSocketStream(client);
  const closed = once(peer, 'close');
  stream.destroy(new Error('enough'));
  const [error] = await once(stream, 'error');
  assert.strictEqual(error.message, 'enough');
  assert.strictEqual((await closed)[0], 1006);
});

test('a stream ends when its peer closes, and text can be text', async (t) => {
  const { client, peer } = await pair(t);
  const stream = createWebSocketStream(client, { readableObjectMode: true });
  peer.send('one');
  peer.send(Buffer.from('two'));
  peer.close();
  const received = [];
  for await (const chunk of stream) received.push(chunk);
  assert.deepStrictEqual(received, ['one', Buffer.from('two')]);
});

test('WebSocketStream', async (t) => {
  const { url } = await serve(t, { perMessageDeflate: true }, echo);
  const stream = new WebSocketStream(url, { protocols: ['chat'] });
  const { readable, writable, protocol, extensions } = await stream.opened;
  assert.deepStrictEqual([protocol, extensions], ['chat', 'permessage-deflate']);
  const writer = writable.getWriter();
  const reader = readable.getReader();
  await writer.write('text');
  await writer.write(new Uint8Array([1, 2]));
  assert.deepStrictEqual(await reader.read(), { value: 'text', done: false });
  assert.deepStrictEqual(await reader.read(), { value: new Uint8Array([1, 2]), done: false });
  stream.close({ closeCode: 4000, reason: 'over' });
  assert.deepStrictEqual(await reader.read(), { value: undefined, done: true });
  assert.deepStrictEqual((await stream.closed).closeCode, 4000);
  await assert.rejects(writer.write('late'), WebSocketError);
});

test('a WebSocketStream reads as much as its reader takes', async (t) => {
  let sent = 0;
  const { url } = await serve(t, { highWaterMark: 1 << 16, lowWaterMark: 1 << 15 }, async (peer) => {
    const payload = Buffer.alloc(1 << 20);
    for (; sent < 200; sent++) await new Promise((resolve) => peer.send(payload, resolve));
    peer.close(1000);
  });
  const { readable } = await new WebSocketStream(url).opened;
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(sent < 100, `${sent} messages were sent to a reader that read none`);
  let bytes = 0;
  for await (const chunk of readable) bytes += chunk.length;
  assert.strictEqual(bytes, 200 << 20);
});

test('how a WebSocketStream ends otherwise', async (t) => {
  const ends = [];
  const { url } = await serve(t, {}, (peer) => {
    peer.on('close', (code, reason) => ends.push([code, String(reason)]));
    if (peer.protocol === 'drop') peer.terminate();
  });
  const dropped = new WebSocketStream(url, { protocols: 'drop' });
  await assert.rejects(dropped.closed, (error) => error instanceof WebSocketError && error.closeCode === 1006);

  const cancelled = new WebSocketStream(url);
  await (await cancelled.opened).readable.cancel(new WebSocketError('done', { closeCode: 4001, reason: 'r' }));
  assert.strictEqual((await cancelled.closed).closeCode, 4001);
  assert.deepStrictEqual(ends.at(-1), [4001, 'r']);

  const controller = new AbortController();
  const aborted = new WebSocketStream(url, { signal: controller.signal });
  controller.abort(new Error('never mind'));
  await assert.rejects(aborted.opened, /never mind/);
  assert.throws(() => new WebSocketError('', { closeCode: 1005 }), TypeError);
});
