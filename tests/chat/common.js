// The chat's servers, and a client that speaks its protocol, message by message.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const { WebSocket } = require('ws');

const ROOT = path.join(__dirname, '..', '..');
const SERVERS = ['c', 'python', 'node'];
const noBroker = spawnSync('redis-server', ['--version']).error && 'there is no redis-server: make test-deps';

/** Starts a server, which ends with the test `t` at the latest; its address is `host`. */
async function serve(t, language, port = 0, ...options) {
  const child = spawn(path.join(ROOT, 'tools', 'chat'), [language, String(port), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async (signal = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  t.after(() => stop());
  const lines = readline.createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(lines, 'line'), ended]);
  const [, host] = /^listening on http:\/\/(127\.0\.0\.1:\d+)\/$/.exec(line);
  return { host, stop };
}

/** Connects to the chat; `next` resolves to the next message that came, `ended` to the close code. */
async function connect(t, host) {
  const socket = new WebSocket(`ws://${host}/`);
  t.after(() => socket.terminate());
  const messages = [];
  const waiting = [];
  socket.on('message', (data) => {
    const message = JSON.parse(data);
    if (waiting.length > 0) waiting.shift()(message);
    else messages.push(message);
  });
  const ended = once(socket, 'close').then(([code]) => code);
  await once(socket, 'open');
  return {
    ended,
    send: (message) =>
      socket.send(typeof message === 'object' && !Buffer.isBuffer(message) ? JSON.stringify(message) : message),
    next: () => (messages.length > 0 ? messages.shift() : new Promise((resolve) => waiting.push(resolve))),
  };
}

/** Starts a broker, which ends with the test; its URL. */
async function startBroker(t) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ropeway-chat-'));
  const socket = path.join(folder, 'broker.sock');
  const broker = spawn('redis-server', ['--port', '0', '--save', '', '--dir', folder, '--unixsocket', socket], {
    stdio: 'ignore',
  });
  const ended = once(broker, 'exit');
  t.after(async () => {
    broker.kill();
    await ended;
    fs.rmSync(folder, { recursive: true });
  });
  return `redis+unix://${socket}`;
}

module.exports = { SERVERS, noBroker, serve, connect, startBroker };
