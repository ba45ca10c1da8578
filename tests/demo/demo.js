// The Node.js half of `make demo`: a Node client talks to the C and the Python echo servers, and the C client to a Node server.
//
// Each message that Node sends or receives is shown. The exit status is 0 when all went as it should.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');

const { WebSocket, WebSocketServer } = require('../../bindings/node');

const ROOT = path.join(__dirname, '..', '..');
const C = (name) => path.join(ROOT, 'build/bin', name);
const PYTHON = path.join(ROOT, 'build/venv/bin/python');
const COLOURS = { 'node server': '\x1b[35m', 'node client': '\x1b[32m' };
const PATIENCE = 30_000;
const began = process.hrtime.bigint();
const counts = { '→': 0, '←': 0 };

function say(who, way, what) {
  const time = (Number(process.hrtime.bigint() - began) / 1e6).toFixed(3).padStart(9);
  const [colour, end] = process.stdout.isTTY ? [COLOURS[who], '\x1b[0m'] : ['', ''];
  counts[way]++;
  console.log(`${time} ms  ${colour}${who}${end}  ${way}  ${what}`);
}

function shown(data, isBinary) {
  return isBinary ? `binary  ${data.toString('hex')}` : `text  ${data}`;
}

/** A Node client talks to an echo server of another language. */
async function nodeTo(command, ...args) {
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    const [line] = await once(readline.createInterface({ input: server.stdout }), 'line');
    const client = new WebSocket(line.split(' ').at(-1));
    await once(client, 'open');
    for (const message of [`hello from Node to ${path.basename(command)} ⛰`, Buffer.from([0, 1, 2, 3])]) {
      const isBinary = Buffer.isBuffer(message);
      say('node client', '→', shown(message, isBinary));
      client.send(message);
      const [data] = await once(client, 'message');
      say('node client', '←', shown(data, isBinary));
      assert.deepStrictEqual(data, Buffer.from(message));
    }
    say('node client', '→', 'close  1000');
    client.close(1000, 'good night');
    const [code] = await once(client, 'close');
    say('node client', '←', `close  ${code}`);
    assert.strictEqual(code, 1000);
  } finally {
    server.kill('SIGTERM');
    await once(server, 'exit');
  }
}

/** The C client talks to a Node server. */
async function cToNode() {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  server.on('connection', (peer) => {
    peer.on('message', (data, isBinary) => {
      say('node server', '←', shown(data, isBinary));
      say('node server', '→', shown(data, isBinary));
      peer.send(data, { binary: isBinary });
    });
    peer.on('close', (code) => say('node server', '←', `close  ${code}`));
  });
  await once(server, 'listening');
  const client = spawn(C('hello_client'), [`ws://127.0.0.1:${server.address().port}/`, 'hello from C'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const chunk of client.stdout) said += chunk;
  assert.strictEqual(said, 'hello from C\nclosed with 1000\n');
  server.close();
  await once(server, 'close');
}

async function main() {
  await nodeTo(C('echo_server'), '--port', '0');
  await nodeTo(PYTHON, '-m', 'ropeway', 'serve', '--echo', '--port', '0');
  await cToNode();
  console.log(
    `All as it should be: Node, C and Python, ${counts['→']} messages sent and ${counts['←']} received by Node.`,
  );
}

setTimeout(() => assert.fail('the demo hangs'), PATIENCE).unref();
main();
