// What concerns the whole process: its end, its threads, exceptions nobody catches, memory.

const assert = require('node:assert');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { test } = require('node:test');
const { promisify } = require('node:util');

const run = promisify(execFile);
const PACKAGE = JSON.stringify(path.join(__dirname, '..'));

/** What a program prints; it has to end by itself. */
async function output(program, flags = []) {
  const text = `const { WebSocket, WebSocketServer } = require(${PACKAGE});\n${program}`;
  const { stdout } = await run(process.execPath, [...flags, '-e', text], { timeout: 600_000 });
  return stdout;
}

const SERVER = `
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
const url = () => 'ws://127.0.0.1:' + server.address().port;
`;

test('the process ends when nothing is open, and not before', async () => {
  assert.strictEqual(await output("console.log('loaded')"), 'loaded\n');
  const text = await output(`${SERVER}
    server.on('connection', (peer) => peer.on('close', () => server.close(() => console.log('closed'))));
    server.on('listening', () => {
      const client = new WebSocket(url());
      client.on('open', () => client.close());
      client.on('close', () => console.log('client'));
    });
    process.on('exit', () => console.log('exit'));`);
  assert.deepStrictEqual(text.trim().split('\n').sort(), ['client', 'closed', 'exit']);
});

test('process.exit with everything open', async () => {
  const text = await output(`${SERVER}
    server.on('listening', () => new WebSocket(url()));
    server.on('connection', () => { console.log('leaving'); process.exit(0); });`);
  assert.strictEqual(text, 'leaving\n');
});

test('an exception in a handler is uncaught, and the rest of the batch is told all the same', async () => {
  const text = await output(`${SERVER}
    process.on('uncaughtException', (error) => console.log('uncaught', error.message));
    server.on('connection', (peer) => {
      peer.on('message', (data) => {
        console.log(String(data));
        if (String(data) === '2') throw new Error('by two');
        if (String(data) === '4') server.close(), peer.terminate();
      });
    });
    server.on('listening', () => {
      const client = new WebSocket(url());
      client.on('open', () => { for (const n of '1234') client.send(n); });
    });`);
  assert.strictEqual(text, '1\n2\nuncaught by two\n3\n4\n');
});

test('an exception that nobody catches ends the process as any other does', async () => {
  const failed = output(`${SERVER}
    server.on('connection', () => { throw new Error('unheard'); });
    server.on('listening', () => new WebSocket(url()));`);
  await assert.rejects(failed, (error) => error.code === 1 && /Error: unheard/.test(error.stderr));
});

test('a busy connection is watched by libuv itself, until it is paused, joined by another one, or gone', async () => {
  const text = await output(`${SERVER}
    const fs = require('node:fs');
    // The socket of the watch is a duplicate: it has the name of another descriptor.
    function duplicates() {
      const names = fs.readdirSync('/proc/self/fd').map((fd) => {
        try { return fs.readlinkSync('/proc/self/fd/' + fd); } catch { return ''; }
      }).filter((name) => name.startsWith('socket:'));
      return names.length - new Set(names).size;
    }
    const peers = [];
    server.on('connection', (peer) => peers.push(peer));
    const open = () => new Promise((resolve) => {
      const client = new WebSocket(url());
      client.on('open', () => resolve(client));
    });
    // Only the client's half is alone in a turn: the peer answers in one of its own.
    const trips = async (client, peer, count) => {
      for (let i = 0; i < count; i++) {
        client.send(String(i));
        const [data] = await new Promise((resolve) => peer.once('message', (...values) => resolve(values)));
        if (String(data) !== String(i)) throw new Error('lost');
      }
    };
    server.on('listening', async () => {
      const first = await open(), second = await open();
      console.log(duplicates());
      await trips(first, peers[0], 200);
      console.log(duplicates());
      await trips(second, peers[1], 200);
      console.log(duplicates());
      peers[1].pause();
      second.send('held');
      await new Promise((resolve) => setTimeout(resolve, 20));
      console.log(duplicates());
      peers[1].resume();
      const [held] = await new Promise((resolve) => peers[1].once('message', (...values) => resolve(values)));
      console.log(String(held));
      await trips(second, peers[1], 200);
      console.log(duplicates());
      peers[1].terminate();
      await new Promise((resolve) => second.on('close', resolve));
      console.log(duplicates());
      first.close();
      server.close(() => console.log('closed'));
    });`);
  assert.strictEqual(text, '0\n1\n1\n0\nheld\n1\n0\nclosed\n');
});

test('microtasks run after each batch, and what they send goes out', async () => {
  const text = await output(`${SERVER}
    server.on('connection', (peer) => {
      peer.on('message', async (data) => {
        await null;
        peer.send('echo ' + data);
      });
    });
    server.on('listening', () => {
      const client = new WebSocket(url());
      client.on('open', () => { client.send('a'); client.send('b'); });
      client.on('message', (data) => {
        console.log(String(data));
        if (String(data) === 'echo b') { client.terminate(); server.close(); }
      });
    });`);
  assert.strictEqual(text, 'echo a\necho b\n');
});

test('worker threads, each with a server', async () => {
  const text = await output(`
    const { Worker, isMainThread } = require('node:worker_threads');
    const source = ${JSON.stringify(`
      const { parentPort } = require('node:worker_threads');
      const { WebSocketServer } = require(${PACKAGE});
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
      server.on('connection', (peer) => peer.on('message', (data) => peer.send('worker ' + data)));
      server.on('listening', () => parentPort.postMessage(server.address().port));
      parentPort.on('message', () => process.exit(0));
    `)};
    const all = Array.from({ length: 4 }, (_, i) => new Promise((resolve) => {
      const worker = new Worker(source, { eval: true });
      worker.on('message', (port) => {
        const client = new WebSocket('ws://127.0.0.1:' + port);
        client.on('open', () => client.send(String(i)));
        client.on('message', (data) => {
          // One way or the other, with the connection open.
          if (i % 2) worker.terminate(); else worker.postMessage('leave');
          client.on('close', () => resolve(String(data)));
        });
      });
    }));
    Promise.all(all).then((texts) => console.log(texts.join()));`);
  assert.strictEqual(text, 'worker 0,worker 1,worker 2,worker 3\n');
});

test('a worker that is terminated in the middle of a flood', async () => {
  const text = await output(`
    const { Worker } = require('node:worker_threads');
    const source = ${JSON.stringify(`
      const { parentPort } = require('node:worker_threads');
      const { WebSocket, WebSocketServer } = require(${PACKAGE});
      const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
      server.on('connection', (peer) => peer.on('message', (data) => peer.send(data)));
      let count = 0;
      server.on('listening', () => {
        const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
        client.on('open', () => { for (let i = 0; i < 64; i++) client.send('x'.repeat(100)); });
        client.on('message', (data) => { client.send(data); if (++count === 1000) parentPort.postMessage('busy'); });
      });
    `)};
    const worker = new Worker(source, { eval: true });
    worker.on('message', async () => { await worker.terminate(); console.log('terminated'); });`);
  assert.strictEqual(text, 'terminated\n');
});

test('handlers run in the context of their server or client', async () => {
  const text = await output(`
    const { AsyncLocalStorage } = require('node:async_hooks');
    const http = require('node:http');
    const context = new AsyncLocalStorage();
    const { log } = console;
    const tell = (name) => log(name + ': ' + context.getStore());
    const serve = (options) => new WebSocketServer({ host: '127.0.0.1', ...options });
    context.run('one', () => {
      const server = serve({ port: 0 });
      server.on('connection', (peer) => {
        tell('connection');
        peer.on('message', (data) => { tell('message'); peer.send(data); setImmediate(() => tell('later')); });
        peer.on('close', () => { tell('close'); server.close(); });
      });
      server.on('listening', () => context.run('two', () => {
        const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
        client.on('open', () => { tell('open'); client.send('x'); });
        client.on('message', () => { tell('answer'); client.close(); });
        client.on('close', () => upgrade());
      }));
    });
    function upgrade() {
      const server = http.createServer().listen(0, '127.0.0.1');
      const websockets = serve({ noServer: true });
      server.on('upgrade', (request, socket, head) => context.run('three', () => {
        websockets.handleUpgrade(request, socket, head, (peer) => peer.on('message', () => {
          tell('upgraded');
          peer.terminate();
          server.close();
        }));
      }));
      server.on('listening', () => context.exit(() => {
        const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
        client.on('open', () => { tell('outside'); client.send('x'); });
      }));
    }`);
  const lines = text.trim().split('\n').sort();
  assert.deepStrictEqual(lines, [
    'answer: two',
    'close: one',
    'connection: one',
    'later: one',
    'message: one',
    'open: two',
    'outside: undefined',
    'upgraded: three',
  ]);
});

test('connections that are gone are garbage', async () => {
  const text = await output(
    `${SERVER}
    const finalized = new FinalizationRegistry(() => { gone++; });
    let gone = 0, made = 0;
    const COUNT = 200;
    server.on('connection', (peer) => {
      finalized.register(peer, 0);
      peer.on('message', (data) => peer.send(data));
    });
    async function one() {
      const client = new WebSocket(url());
      finalized.register(client, 0);
      await new Promise((resolve) => client.on('open', resolve));
      client.send('x'.repeat(1000));
      await new Promise((resolve) => client.on('message', resolve));
      client.close();
      await new Promise((resolve) => client.on('close', resolve));
    }
    server.on('listening', async () => {
      for (let i = 0; i < COUNT; i++) await one();
      for (let i = 0; i < 50 && gone < 2 * COUNT - 10; i++) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      console.log(gone >= 2 * COUNT - 10 ? 'collected' : 'only ' + gone);
      server.close();
    });`,
    ['--expose-gc'],
  );
  assert.strictEqual(text, 'collected\n');
});

// ROPEWAY_MANY=100000 for the long run.
test('many connections opened and closed leave memory as it was', async (t) => {
  const many = Number(process.env.ROPEWAY_MANY ?? 6000);
  const text = await output(
    `${SERVER}
    server.on('connection', (peer) => peer.on('message', (data) => peer.send(data)));
    function one() {
      return new Promise((resolve, reject) => {
        const client = new WebSocket(url());
        client.on('open', () => client.send('x'));
        client.on('message', () => client.close());
        client.on('close', resolve);
        client.on('error', reject);
      });
    }
    async function round(count) {
      for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, one));
      gc();
      await new Promise(setImmediate);
      gc();
      return process.memoryUsage().rss;
    }
    server.on('listening', async () => {
      await round(${many / 3});
      const before = await round(${many / 3});
      const after = await round(${many / 3});
      console.log(JSON.stringify({ before, after }));
      server.close();
    });`,
    ['--expose-gc'],
  );
  const { before, after } = JSON.parse(text);
  const inMiB = (bytes) => (bytes / (1 << 20)).toFixed(1);
  t.diagnostic(`${many} connections: ${inMiB(before)} MiB resident after two thirds, ${inMiB(after)} MiB after all`);
  assert.ok(after - before < 8 << 20, `resident memory went from ${before} to ${after} bytes`);
});

test('connections open at once, each with a message', async (t) => {
  const count = Number(process.env.ROPEWAY_OPEN ?? 1000);
  // The clients are a process of their own: each has as many descriptors as the system lets it have.
  const clients = `
    const { WebSocket } = require(${PACKAGE});
    const opened = (client) => new Promise((resolve) => client.on('open', resolve));
    const answered = (client, i) => new Promise((resolve) => {
      client.on('message', (data) => { if (String(data) === String(i)) resolve(); });
      client.send(String(i));
    });
    (async () => {
      const clients = [];
      while (clients.length < ${count}) {
        const some = Array.from({ length: 100 }, () => new WebSocket(process.argv[1]));
        await Promise.all(some.map(opened));
        clients.push(...some);
      }
      await Promise.all(clients.map(answered));
      console.log('all answered');
      for (const client of clients) client.close();
    })();`;
  const text = await output(`${SERVER}
    const { spawn } = require('node:child_process');
    let most = 0, idle = 0, full = 0;
    server.on('connection', (peer) => {
      peer.on('message', (data) => peer.send(data));
      most = Math.max(most, server.clients.size);
      if (most === ${count}) full = process.memoryUsage.rss();
    });
    server.on('listening', () => {
      idle = process.memoryUsage.rss();
      const child = spawn(process.execPath, ['-e', ${JSON.stringify(clients)}, url()], { stdio: ['ignore', 'pipe', 'inherit'] });
      child.stdout.on('data', (text) => console.log(String(text).trim()));
      child.on('close', () => server.close(() => {
        console.log(most);
        console.log(server.clients.size);
        console.log(Math.round((full - idle) / most));
      }));
    });`);
  const lines = text.trim().split('\n');
  t.diagnostic(`${count} connections open: ${lines.pop()} bytes resident for each on the server`);
  assert.deepStrictEqual(lines, ['all answered', String(count), '0']);
});

test('a runtime without the right libuv gets an error that says so', async () => {
  for (const [versions, said] of [
    ['uv: undefined', /\(node\) has no event loop of libuv/],
    ["uv: '2.0.0'", /\(node\) has libuv 2\.0\.0/],
    ["bun: '1.3.0'", /\(bun\) has no event loop of libuv/],
    ["deno: '2.5.0'", /\(deno\) has no event loop of libuv/],
  ]) {
    const program = `
      Object.defineProperty(process, 'versions', { value: { ...process.versions, ${versions} } });
      require(${PACKAGE});`;
    await assert.rejects(run(process.execPath, ['-e', program]), ({ stderr }) => said.test(stderr));
  }
});
