// The chat's servers, and a client that speaks its protocol, message by message.

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');

const { WebSocket } = require('ws');

const ROOT = path.join(__dirname, '..', '..');
const SERVERS = ['c', 'python', 'node'];

/** Starts a server, which ends with the test `t` at the latest; its address is `host`. */
async function serve(t, language, port = 0) {
  const child = spawn(path.join(ROOT, 'tools', 'chat'), [language, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  t.after(stop);
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

module.exports = { SERVERS, serve, connect };
