// The chat's servers together over a Redis of the test's own: people and pages at different servers talk.

const assert = require('node:assert');
const { test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');

const { SERVERS, noBroker: skip, serve, connect, startBroker } = require('./common');

const join = (name, room) => ({ type: 'join', room, name, key: name });

async function enter(t, host, name, room) {
  const person = await connect(t, host);
  person.send(join(name, room));
  assert.strictEqual((await person.next()).type, 'joined');
  return person;
}

/** The next message but those that say who is there, whose names are kept in `people`. */
async function next(person, people = new Set()) {
  for (;;) {
    const message = await person.next();
    if (message.type !== 'here') return message;
    for (const name of message.people) people.add(name);
  }
}

/** Waits until what happens at one server is heard at the other: its relay is connected then. */
async function untilHeard(t, from, to) {
  const room = `${from} ${to}`;
  const listener = await enter(t, to, 'listener', room);
  let isHeard = false;
  const heard = listener.next().then(() => {
    isHeard = true;
  });
  for (let i = 0; !isHeard; i++) {
    await enter(t, from, `speaker ${i}`, room);
    await Promise.race([heard, sleep(50)]);
  }
}

test('the servers in all languages over one broker', { skip }, async (t) => {
  const broker = await startBroker(t);
  const servers = await Promise.all(SERVERS.map((language) => serve(t, language, 0, '--relay', broker)));
  const hosts = servers.map(({ host }) => host);
  for (const from of hosts) {
    for (const to of hosts) if (from !== to) await untilHeard(t, from, to);
  }

  const people = [];
  for (const [i, host] of hosts.entries()) {
    const person = await enter(t, host, SERVERS[i], 'cats');
    for (const other of people) assert.deepStrictEqual(await next(other), { type: 'arrived', name: SERVERS[i] });
    people.push(person);
  }
  const everybody = async (expected) => {
    for (const person of people) {
      const { time, ...message } = await next(person);
      assert.deepStrictEqual(message, expected);
    }
  };
  for (const [i, person] of people.entries()) {
    person.send({ type: 'typing' });
    await everybody({ type: 'typing', name: SERVERS[i] });
    person.send({ type: 'say', text: 'grüezi' });
    await everybody({ type: 'said', name: SERVERS[i], text: 'grüezi' });
  }

  // Who comes later sees the lines that were said at the others, and hears who is there.
  for (const [i, host] of hosts.entries()) {
    const late = await connect(t, host);
    late.send(join(`late ${i}`, 'cats'));
    const { type, lines, people: present } = await late.next();
    assert.strictEqual(type, 'joined');
    assert.deepStrictEqual(
      lines.map(({ name, text }) => [name, text]),
      SERVERS.map((name) => [name, 'grüezi']),
    );
    const names = new Set(present);
    while (!SERVERS.every((name) => names.has(name))) {
      const { type, people: others } = await late.next();
      assert.strictEqual(type, 'here');
      for (const name of others) names.add(name);
    }
    await everybody({ type: 'arrived', name: `late ${i}` });
    late.send(join(`late ${i}`, 'elsewhere'));
    await everybody({ type: 'left', name: `late ${i}` });
  }

  // One is lost in the middle of a conversation: the others go on.
  await servers[2].stop('SIGKILL');
  people.pop();
  people[0].send({ type: 'say', text: 'still there?' });
  await everybody({ type: 'said', name: 'c', text: 'still there?' });
  people[1].send(join('python', 'elsewhere'));
  assert.deepStrictEqual(await next(people[0]), { type: 'left', name: 'python' });
});
