const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { test } = require('node:test');

const { connect } = require('./common');

const COMMAND = path.join(__dirname, '..', 'bin', 'ropeway.js');

function start(t, args) {
  const child = spawn(process.execPath, [COMMAND, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  child.lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return child;
}

test('serve --echo and connect talk, and end', async (t) => {
  const server = start(t, ['serve', '--echo', '--port', '0']);
  const { value } = await server.lines.next();
  const [, url] = /^listening on (ws:\/\/127\.0\.0\.1:\d+\/)$/.exec(value);
  const client = start(t, ['connect', url, '--header', 'X-One: 1']);
  client.stdin.write('hello\n');
  assert.strictEqual((await client.lines.next()).value, 'hello');
  client.stdin.end('bye\n');
  assert.strictEqual((await client.lines.next()).value, 'bye');
  assert.deepStrictEqual(await once(client, 'exit'), [0, null]);
  const open = await connect(t, url);
  const closed = once(open, 'close');
  server.kill('SIGTERM');
  assert.strictEqual((await closed)[0], 1001);
  assert.deepStrictEqual(await once(server, 'exit'), [0, null]);
});

test('wrong arguments say what is right', async (t) => {
  for (const args of [[], ['serve'], ['connect'], ['serve', '--echo', '--nonsense'], ['connect', 'nothing']]) {
    const child = start(t, args);
    let text = '';
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    const [status] = await once(child, 'close');
    assert.strictEqual(status, 1, args.join(' '));
    assert.match(text, /ropeway/);
    assert.doesNotMatch(text, /at .*\.js:/);
  }
});

test('the program of the README runs', async (t) => {
  const text = fs.readFileSync(path.join(__dirname, '..', '..', '..', 'README.md'), 'utf8');
  const [, program] = /```js\n([\s\S]*?)```/.exec(text);
  const child = spawn(process.execPath, [
    '-e',
    program.replace("'ropeway'", JSON.stringify(path.join(__dirname, '..'))),
  ]);
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const [status] = await once(child, 'close');
  assert.deepStrictEqual([status, output], [0, 'hello\n']);
});
