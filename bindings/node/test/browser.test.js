// Chromium, headless, with this server: a browser's own client.

const assert = require('node:assert');
const { once } = require('node:events');
const http = require('node:http');
const { test } = require('node:test');

const { chromium } = require('playwright-core');

const { WebSocketServer } = require('..');
const { findChromium } = require('./chromium');
const { echo } = require('./common');

const executablePath = findChromium();

/** Runs in the page: echoes of every size and kind, by the web's two interfaces. */
async function exchange(url) {
  const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20];
  const socket = new WebSocket(url, ['chat']);
  socket.binaryType = 'arraybuffer';
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const next = () =>
    new Promise((resolve) => {
      socket.onmessage = ({ data }) => resolve(data);
    });
  const wrong = [];
  for (const size of sizes) {
    const text = 'é'.repeat(size);
    socket.send(text);
    if ((await next()) !== text) wrong.push(`text of ${size}`);
    const bytes = new Uint8Array(size).map((_, i) => i);
    socket.send(bytes);
    const back = new Uint8Array(await next());
    if (back.length !== size || back.some((byte, i) => byte !== bytes[i])) wrong.push(`bytes of ${size}`);
  }
  const closed = new Promise((resolve) => {
    socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
  });
  const { protocol, extensions } = socket;
  socket.close(4000, 'done');
  return { wrong, protocol, extensions, end: await closed };
}

test('Chromium talks to the server', { skip: !executablePath && 'there is no Chromium' }, async (t) => {
  const server = http.createServer((_request, response) => response.end('<!doctype html>'));
  const websockets = new WebSocketServer({ server, perMessageDeflate: true });
  const ends = [];
  websockets.on('connection', (peer) => {
    echo(peer);
    peer.on('close', (code, reason) => ends.push([code, String(reason)]));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const page = await browser.newPage();
  const { port } = server.address();
  await page.goto(`http://127.0.0.1:${port}/`);
  const { wrong, protocol, extensions, end } = await page.evaluate(exchange, `ws://127.0.0.1:${port}/`);
  assert.deepStrictEqual(wrong, []);
  assert.strictEqual(protocol, 'chat');
  assert.match(extensions, /^permessage-deflate/);
  assert.deepStrictEqual(end, { code: 4000, reason: 'done', wasClean: true });
  assert.deepStrictEqual(ends, [[4000, 'done']]);
});
