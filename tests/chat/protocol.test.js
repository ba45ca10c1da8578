// The chat's protocol, on each of its servers, as examples/chat/README.md has it.

const assert = require('node:assert');
const http = require('node:http');
const { once } = require('node:events');
const { test } = require('node:test');

const { SERVERS, serve, connect } = require('./common');

const join = (name, room = 'cats', key = `${name}’s`) => ({ type: 'join', room, name, key });

/** A person who has entered a room, and what the server told. */
async function enter(t, host, ...where) {
  const person = await connect(t, host);
  person.send(join(...where));
  const joined = await person.next();
  assert.strictEqual(joined.type, 'joined');
  return [person, joined];
}

async function get(host, path, method = 'GET') {
  const request = http.request(`http://${host}${path}`, { method });
  request.end();
  const [response] = await once(request, 'response');
  let body = '';
  for await (const piece of response.setEncoding('utf8')) body += piece;
  return { status: response.statusCode, type: response.headers['content-type'], body };
}

/** What ends a connection with 1008: each a list of messages, of which the last one does. */
const HOSTILE = {
  'no JSON': ['{'],
  'an empty message': [''],
  'a list': ['[]'],
  null: ['null'],
  'a number with 5,000 digits': ['1'.repeat(5000)],
  'deep nesting': ['['.repeat(8000)],
  'a binary message': [Buffer.from(JSON.stringify(join('Ann')))],
  'an unknown type': [{ type: 'shout' }],
  'a type that is no text': [{ type: ['join'] }],
  'the prototype’s names': [{ type: '__proto__' }],
  'a line before a room': [{ type: 'say', text: 'hello' }],
  'typing before a room': [{ type: 'typing' }],
  'no name': [{ type: 'join', room: 'cats', key: 'x' }],
  'an empty name': [join('')],
  'a long name': [join('é'.repeat(33))],
  'a long room': [join('Ann', 'x'.repeat(65))],
  'a name with a line break': [join('An\nn')],
  'a name with an escape': [join('An\u001bn')],
  'a name with a NUL': [join('An\u0000n')],
  'a name with a C1 control': [join('An\u0085n')],
  'a name with half a character': ['{"type":"join","room":"cats","key":"x","name":"\\ud83d"}'],
  'a name with a space behind': [join('Ann ')],
  'a name that is a number': [join(5)],
  'an empty line': [join('Ann'), { type: 'say', text: '' }],
  'a long line': [join('Ann'), { type: 'say', text: 'x'.repeat(2001) }],
  'a line that is no text': [join('Ann'), { type: 'say', text: { toString: 'x' } }],
  'more than 20 messages at once': [join('Ann'), ...Array(60).fill({ type: 'typing' })],
};

for (const language of SERVERS) {
  test(`the chat in ${language}`, async (t) => {
    const { host } = await serve(t, language);

    await t.test('people enter, talk and leave', async (t) => {
      const [ann, first] = await enter(t, host, 'Ann');
      assert.deepStrictEqual(first, { type: 'joined', room: 'cats', name: 'Ann', people: ['Ann'], lines: [] });
      const [bob, second] = await enter(t, host, 'Bob');
      assert.deepStrictEqual(second.people.sort(), ['Ann', 'Bob']);
      assert.deepStrictEqual(await ann.next(), { type: 'arrived', name: 'Bob' });
      const began = Date.now();
      bob.send({ type: 'typing' });
      for (const person of [ann, bob]) assert.deepStrictEqual(await person.next(), { type: 'typing', name: 'Bob' });
      bob.send({ type: 'say', text: 'grüezi 👋 "\\' });
      const said = await ann.next();
      assert.deepStrictEqual(said, { type: 'said', name: 'Bob', text: 'grüezi 👋 "\\', time: said.time });
      assert.ok(said.time >= began - 1 && said.time <= Date.now());
      assert.deepStrictEqual(await bob.next(), said);
      // Another room hears nothing of it, and who changes rooms has left.
      const [, elsewhere] = await enter(t, host, 'Ann', 'dogs');
      assert.deepStrictEqual([elsewhere.people, elsewhere.lines], [['Ann'], []]);
      bob.send(join('Bob', 'dogs'));
      assert.deepStrictEqual(await ann.next(), { type: 'left', name: 'Bob' });
      assert.deepStrictEqual((await bob.next()).people.sort(), ['Ann', 'Bob']);
    });

    await t.test('a room keeps its last 50 lines, also when it is empty', async (t) => {
      const [ann] = await enter(t, host, 'Ann', 'history');
      for (let i = 0; i < 55; i++) {
        ann.send({ type: 'say', text: `line ${i}` });
        await ann.next();
        // 20 messages at once are all that one may send, so they take turns.
        if (i % 15 === 14) {
          ann.send(join('Ann', 'elsewhere'));
          const [other] = await enter(t, host, 'Ann', 'history', `${i}`);
          ann.send = other.send;
          ann.next = other.next;
        }
      }
      ann.send(join('Ann', 'elsewhere', 'another'));
      const [, { lines }] = await enter(t, host, 'Bob', 'history');
      assert.deepStrictEqual(
        lines.map(({ text }) => text),
        Array.from({ length: 50 }, (_, i) => `line ${i + 5}`),
      );
    });

    await t.test('a name is one person’s, who takes it over by the key', async (t) => {
      const [ann] = await enter(t, host, 'Ann', 'keys');
      const [bob] = await enter(t, host, 'Bob', 'keys');
      assert.strictEqual((await ann.next()).type, 'arrived');
      const stranger = await connect(t, host);
      stranger.send(join('Ann', 'keys', 'guessed'));
      assert.deepStrictEqual(await stranger.next(), { type: 'refused', reason: 'taken' });
      const [again, joined] = await enter(t, host, 'Ann', 'keys');
      assert.deepStrictEqual(joined.people.sort(), ['Ann', 'Bob']);
      assert.deepStrictEqual(await ann.next(), { type: 'refused', reason: 'elsewhere' });
      again.send({ type: 'say', text: 'back' });
      // Bob has seen nobody come or go, and the old connection hears nothing any more.
      assert.strictEqual((await bob.next()).text, 'back');
      ann.send(join('Cat', 'other'));
      assert.strictEqual((await ann.next()).type, 'joined');
    });

    await t.test('a room holds 100 people', async (t) => {
      for (let i = 0; i < 100; i++) await enter(t, host, `guest ${i}`, 'crowd');
      const late = await connect(t, host);
      late.send(join('late', 'crowd'));
      assert.deepStrictEqual(await late.next(), { type: 'refused', reason: 'full' });
      late.send(join('late', 'space'));
      assert.strictEqual((await late.next()).type, 'joined');
    });

    for (const [what, messages] of Object.entries(HOSTILE)) {
      await t.test(`${what} closes the connection`, async (t) => {
        const peer = await connect(t, host);
        for (const message of messages) peer.send(message);
        assert.strictEqual(await peer.ended, 1008);
      });
    }

    await t.test('a message of over 8 KiB closes the connection', async (t) => {
      const peer = await connect(t, host);
      peer.send(' '.repeat(8193));
      assert.strictEqual(await peer.ended, 1009);
    });

    await t.test('the page is served beside it', async () => {
      const page = await get(host, '/?from=here');
      assert.deepStrictEqual([page.status, page.type], [200, 'text/html; charset=utf-8']);
      assert.match(page.body, /<title>Ropeway chat<\/title>/);
      assert.strictEqual((await get(host, '/chat.js')).type, 'text/javascript; charset=utf-8');
      assert.strictEqual((await get(host, '/chat.css')).type, 'text/css; charset=utf-8');
      assert.strictEqual((await get(host, '/icon.svg')).type, 'image/svg+xml; charset=utf-8');
      for (const path of [
        '/server.c',
        '/../server.py',
        '/%2e%2e/server.js',
        '/index.htm',
        '/index.html/',
        '//etc/passwd',
      ]) {
        assert.strictEqual((await get(host, path)).status, 404, path);
      }
    });
  });
}

for (const language of SERVERS) {
  test(`the chat in ${language} makes room for new rooms`, async (t) => {
    const { host } = await serve(t, language);
    const [ann] = await enter(t, host, 'Ann', 'first');
    ann.send({ type: 'say', text: 'kept' });
    await ann.next();
    // Each connection may send 20 messages at once, and leaves an empty room behind with each but the last.
    for (let room = 0; room < 1000; ) {
      const visitor = await connect(t, host);
      for (let i = 0; i < 19; i++) {
        visitor.send(join('visitor', `room ${room++}`));
        assert.strictEqual((await visitor.next()).type, 'joined');
      }
      visitor.send(join('visitor', 'first', String(room)));
      await visitor.next();
    }
    const [, { lines }] = await enter(t, host, 'Cat', 'first');
    assert.strictEqual(lines[0].text, 'kept');
  });
}
