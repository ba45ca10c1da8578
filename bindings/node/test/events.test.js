const assert = require('node:assert');
const { once } = require('node:events');
const { test } = require('node:test');

const { WebSocket, CloseEvent, ErrorEvent, Event, MessageEvent } = require('..');
const { serve, pair } = require('./common');

test('the order of events on both sides', async (t) => {
  const log = [];
  const note =
    (side, name) =>
    (...values) =>
      log.push([side, name, ...values.filter((value) => typeof value !== 'object').map(String)]);
  const { server, url } = await serve(t, {}, (websocket) => {
    log.push(['server', 'connection', websocket.readyState]);
    for (const name of ['message', 'ping', 'pong', 'close', 'error']) websocket.on(name, note('server', name));
    websocket.send('welcome');
    websocket.on('message', () => websocket.close(4000, 'enough'));
  });
  server.on('headers', () => log.push(['server', 'headers']));
  const client = new WebSocket(url);
  assert.strictEqual(client.readyState, WebSocket.CONNECTING);
  for (const name of ['upgrade', 'open', 'message', 'close', 'error']) client.on(name, note('client', name));
  client.on('message', () => client.send('thanks'));
  const [accepted] = await once(server, 'connection');
  await Promise.all([once(client, 'close'), once(accepted, 'close')]);
  const of = (side) => log.filter((entry) => entry[0] === side).map(([, ...rest]) => rest);
  assert.deepStrictEqual(of('client'), [['upgrade'], ['open'], ['message', 'false'], ['close', '4000']]);
  assert.deepStrictEqual(of('server'), [['headers'], ['connection', 1], ['message', 'false'], ['close', '4000']]);
});

test('the web’s face: attributes, listeners and events', async (t) => {
  const { client, peer } = await pair(t);
  const seen = [];
  client.onmessage = () => assert.fail('it has been replaced');
  client.onmessage = function onMessage(event) {
    assert.strictEqual(this, client);
    assert.ok(event instanceof MessageEvent && event instanceof Event);
    assert.strictEqual(event.target, client);
    seen.push(['attribute', event.type, event.data]);
  };
  const listener = (event) => seen.push(['listener', event.data]);
  client.addEventListener('message', listener);
  client.addEventListener('message', listener);
  client.addEventListener('message', (event) => seen.push(['once', event.data]), { once: true });
  client.addEventListener('message', { handleEvent: (event) => seen.push(['object', event.data]) });
  client.addEventListener('nothing', () => {});
  peer.send('text');
  await once(client, 'message');
  assert.deepStrictEqual(seen.splice(0), [
    ['attribute', 'message', 'text'],
    ['listener', 'text'],
    ['once', 'text'],
    ['object', 'text'],
  ]);
  client.removeEventListener('message', listener);
  client.onmessage = null;
  assert.strictEqual(client.onmessage, null);
  peer.send('more');
  await once(client, 'message');
  assert.deepStrictEqual(seen, [['object', 'more']]);

  const closed = new Promise((resolve) => {
    client.onclose = resolve;
  });
  peer.close(1001, 'gone');
  const event = await closed;
  assert.ok(event instanceof CloseEvent);
  assert.deepStrictEqual([event.code, event.reason, event.wasClean], [1001, 'gone', true]);
  assert.strictEqual(client.readyState, client.CLOSED);
});

test('an error is an ErrorEvent, and a close that is not clean follows', async (t) => {
  const { server, url } = await serve(t);
  await new Promise((resolve) => server.close(resolve));
  const client = new WebSocket(url);
  const events = [];
  await new Promise((resolve) => {
    client.onerror = (event) => events.push(event);
    client.onclose = (event) => resolve(events.push(event));
  });
  const [error, closed] = events;
  assert.ok(error instanceof ErrorEvent);
  assert.strictEqual(error.error.code, 'ECONNREFUSED');
  assert.strictEqual(error.message, error.error.message);
  assert.deepStrictEqual([closed.code, closed.reason, closed.wasClean], [1006, '', false]);
});

test('constants, and what is enumerable', () => {
  const names = { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 };
  for (const [name, value] of Object.entries(names)) {
    assert.strictEqual(WebSocket[name], value);
    assert.strictEqual(WebSocket.prototype[name], value);
  }
  for (const name of ['readyState', 'url', 'protocol', 'extensions', 'binaryType', 'bufferedAmount', 'onopen']) {
    assert.ok(Object.getOwnPropertyDescriptor(WebSocket.prototype, name).enumerable, name);
  }
});
