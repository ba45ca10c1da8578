// The programs of examples/node run.

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { after, test } = require('node:test');

const { connect } = require('./common');

const PACKAGE = path.join(__dirname, '..');
const EXAMPLES = path.join(PACKAGE, '..', '..', 'examples', 'node');

// Where they find the package, as after an installation.
const modules = fs.mkdtempSync(path.join(os.tmpdir(), 'ropeway-'));
fs.symlinkSync(PACKAGE, path.join(modules, 'ropeway'));
after(() => fs.rmSync(modules, { recursive: true }));

function start(t, name, ...args) {
  const env = { ...process.env, NODE_PATH: modules };
  const child = spawn(process.execPath, [path.join(EXAMPLES, name), ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  child.lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return child;
}

async function serve(t, name) {
  const server = start(t, name, '0');
  const { value } = await server.lines.next();
  server.url = /^listening on (ws:\/\/127\.0\.0\.1:\d+\/)$/.exec(value)[1];
  return server;
}

async function stop(server) {
  server.kill('SIGTERM');
  assert.deepStrictEqual(await once(server, 'exit'), [0, null]);
}

test('the client says hello to the echo server', async (t) => {
  const server = await serve(t, 'echo_server.js');
  const client = start(t, 'hello_client.js', server.url, 'grüezi');
  const said = [];
  for await (const line of client.lines) said.push(line);
  assert.deepStrictEqual(said, ['grüezi', 'closed with 1000']);
  await stop(server);
});

test('rooms hear what is said in them', async (t) => {
  const server = await serve(t, 'broadcast_server.js');
  const cats = [await connect(t, `${server.url}cats`), await connect(t, `${server.url}cats`)];
  const dog = await connect(t, `${server.url}dogs`);
  dog.on('message', () => assert.fail('a dog hears cats'));
  const heard = cats.map((cat) => once(cat, 'message'));
  cats[0].send('miaow');
  for (const [data] of await Promise.all(heard)) assert.strictEqual(String(data), 'miaow');
  const page = await fetch(server.url.replace('ws:', 'http:'));
  assert.strictEqual(await page.text(), '3 people are here\n');
  const ended = once(dog, 'close');
  await stop(server);
  assert.strictEqual((await ended)[0], 1001);
});
