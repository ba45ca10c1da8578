// The page of the chat. What comes from others is put into the page as text alone. README.md has the protocol.

const WORD = 64; // bytes of a name or a room
const TEXT = 2000; // bytes of a line
const LINES = 500; // that the page keeps
const TYPING_EVERY = 2000;
const TYPING_LASTS = 4000;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

const REASONS = {
  taken: 'Somebody in that room has this name already.',
  full: 'That room is full.',
  elsewhere: 'You have entered that room in another window.',
};

const at = (id) => document.getElementById(id);
const bytes = (text) => new TextEncoder().encode(text).length;
/** As the server wants it: without control characters, and no space at either end. */
const tidy = (text) => text.replace(/\p{Cc}/gu, ' ').trim();

/** Takes one over from oneself after a loss; a tab has its own. */
const key = sessionStorage.getItem('key') ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
sessionStorage.setItem('key', key);

let wanted = null; // { room, name } while inside, or on the way in
let socket = null;
let losses = 0;
let retry = 0;
let saidTyping = 0;
const people = new Set();
const typing = new Map(); // name: the timer that ends it

// The line to the server.

function connect() {
  clearTimeout(retry);
  show('Connecting…');
  const line = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`);
  socket = line;
  line.onopen = () => send({ type: 'join', ...wanted, key });
  line.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (line === socket) told[message.type]?.(message);
  };
  line.onclose = ({ reason }) => {
    if (line !== socket) return;
    socket = null;
    // A random part of a ceiling that doubles, so that not all come back at once.
    const wait = Math.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** losses++);
    show(reason ? `Lost: ${reason}. Connecting again…` : 'Lost. Connecting again…');
    retry = setTimeout(connect, wait);
  };
}

function send(message) {
  socket.send(JSON.stringify(message));
}

/** Where one is not let in, or wants to go. */
function goOut(why = '') {
  wanted = null;
  clearTimeout(retry);
  socket?.close();
  socket = null;
  at('inside').hidden = true;
  at('door').hidden = false;
  at('why').textContent = why;
  at('name').focus();
}

addEventListener('online', () => {
  if (wanted !== null && socket === null) connect();
});

// What the server tells.

const told = {
  joined({ room, name, people: names, lines }) {
    losses = 0;
    wanted = { room, name };
    at('door').hidden = true;
    at('inside').hidden = false;
    at('title').textContent = room;
    document.title = `${room} – Ropeway chat`;
    people.clear();
    for (const one of names) people.add(one);
    for (const one of typing.keys()) endTyping(one);
    at('lines').replaceChildren();
    for (const line of lines) addLine(line);
    showPeople();
    show('Connected');
    at('text').focus();
  },
  refused({ reason }) {
    goOut(REASONS[reason] ?? 'The server did not let you in.');
  },
  arrived({ name }) {
    meet(name);
    addNote(name, 'has arrived');
  },
  here({ people: names }) {
    for (const one of names) people.add(one);
    showPeople();
  },
  left({ name }) {
    people.delete(name);
    endTyping(name);
    showPeople();
    addNote(name, 'has left');
  },
  said(line) {
    meet(line.name);
    endTyping(line.name);
    addLine(line);
  },
  typing({ name }) {
    if (name === wanted.name) return;
    meet(name);
    clearTimeout(typing.get(name));
    typing.set(
      name,
      setTimeout(() => endTyping(name), TYPING_LASTS),
    );
    showTyping();
  },
};

/** Somebody is there. */
function meet(name) {
  if (people.has(name)) return;
  people.add(name);
  showPeople();
}

// What is seen.

function show(state) {
  at(at('inside').hidden ? 'why' : 'state').textContent = state;
  at('send').disabled = state !== 'Connected';
}

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  made.textContent = text;
  made.append(...children);
  return made;
}

/** A name, in a colour of its own, and apart from what is beside it whichever way it is written. */
function named(name) {
  const made = element('bdi', name);
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  made.style.setProperty('--hue', hue);
  return made;
}

function add(line) {
  const lines = at('lines');
  const isAtEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 80;
  lines.append(line);
  while (lines.children.length > LINES) lines.firstChild.remove();
  if (isAtEnd) lines.scrollTop = lines.scrollHeight;
}

function addLine({ name, text, time }) {
  const when = element('time', new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }));
  when.dateTime = new Date(time).toISOString();
  const line = element('div', '', named(name), when, element('p', text));
  line.className = name === wanted.name ? 'mine' : '';
  add(line);
}

function addNote(name, what) {
  const line = element('div', '', named(name), ` ${what}`);
  line.className = 'note';
  add(line);
}

function showPeople() {
  const names = [...people].sort((one, other) => one.localeCompare(other));
  at('people').replaceChildren(...names.map((name) => element('li', '', named(name))));
  at('count').textContent = `(${names.length})`;
}

function endTyping(name) {
  clearTimeout(typing.get(name));
  typing.delete(name);
  showTyping();
}

function showTyping() {
  const names = [...typing.keys()];
  const who = names.length > 3 ? [`${names.length} people`] : names.map(named);
  at('typing').replaceChildren(...who.flatMap((one, i) => (i > 0 ? [', ', one] : [one])));
  if (names.length > 0) at('typing').append(names.length > 1 ? ' are typing…' : ' is typing…');
}

// What one does.

at('join').onsubmit = (event) => {
  event.preventDefault();
  const [name, room] = [tidy(at('name').value), tidy(at('room').value)];
  if (!name || !room || bytes(name) > WORD || bytes(room) > WORD) {
    at('why').textContent = 'A name and a room of up to 64 bytes each, please.';
    return;
  }
  localStorage.setItem('name', name);
  location.hash = encodeURIComponent(room);
  wanted = { room, name };
  connect();
};

at('say').onsubmit = (event) => {
  event.preventDefault();
  const text = tidy(at('text').value);
  if (!text || at('send').disabled) return;
  if (bytes(text) > TEXT) {
    at('state').textContent = 'That is too long: 2,000 bytes at most.';
    return;
  }
  send({ type: 'say', text });
  show('Connected');
  at('text').value = '';
  saidTyping = 0;
};

at('text').oninput = () => {
  if (at('send').disabled || Date.now() - saidTyping < TYPING_EVERY) return;
  saidTyping = Date.now();
  send({ type: 'typing' });
};

at('leave').onclick = () => goOut();

at('name').value = localStorage.getItem('name') ?? '';
try {
  at('room').value = decodeURIComponent(location.hash.slice(1)) || 'lobby';
} catch {
  at('room').value = 'lobby';
}
