// The EventTarget face (WHATWG HTML, section "The WebSocket interface") over the EventEmitter one: a listener becomes a
// wrapper that is added with `on`, so that both kinds are called in the order in which they were added.

class Event {
  #type;
  /** The WebSocket; set when the event is dispatched. */
  #target;

  constructor(type, target = null) {
    this.#type = String(type);
    this.#target = target;
  }

  get type() {
    return this.#type;
  }

  get target() {
    return this.#target;
  }

  get currentTarget() {
    return this.#target;
  }
}

class CloseEvent extends Event {
  #code;
  #reason;
  #wasClean;

  constructor(type, { code = 0, reason = '', wasClean = false } = {}, target) {
    super(type, target);
    this.#code = code;
    this.#reason = reason;
    this.#wasClean = wasClean;
  }

  get code() {
    return this.#code;
  }

  get reason() {
    return this.#reason;
  }

  get wasClean() {
    return this.#wasClean;
  }
}

class ErrorEvent extends Event {
  #error;
  #message;

  constructor(type, { error = null, message = '' } = {}, target) {
    super(type, target);
    this.#error = error;
    this.#message = message;
  }

  get error() {
    return this.#error;
  }

  get message() {
    return this.#message;
  }
}

class MessageEvent extends Event {
  #data;

  constructor(type, { data = null } = {}, target) {
    super(type, target);
    this.#data = data;
  }

  get data() {
    return this.#data;
  }
}

for (const [kind, names] of [
  [Event, ['type', 'target', 'currentTarget']],
  [CloseEvent, ['code', 'reason', 'wasClean']],
  [ErrorEvent, ['error', 'message']],
  [MessageEvent, ['data']],
]) {
  for (const name of names) Object.defineProperty(kind.prototype, name, { enumerable: true });
}

const kHandler = Symbol('handler');
const kAttribute = Symbol('attribute');

/** How the arguments of an EventEmitter event become an Event. */
const EVENTS = {
  open: (target) => new Event('open', target),
  message: (target, data, isBinary) => new MessageEvent('message', { data: isBinary ? data : data.toString() }, target),
  close: (target, code, reason) =>
    new CloseEvent('close', { code, reason: reason.toString(), wasClean: target._wasClean }, target),
  error: (target, error) => new ErrorEvent('error', { error, message: error.message }, target),
};

function find(emitter, type, handler, attribute) {
  return emitter
    .listeners(type)
    .find((wrapper) => wrapper[kAttribute] === attribute && (attribute || wrapper[kHandler] === handler));
}

function add(emitter, type, handler, once, attribute) {
  const makeEvent = EVENTS[type];
  function wrapper(first, second) {
    const event = makeEvent(emitter, first, second);
    if (typeof handler === 'function') handler.call(emitter, event);
    else handler.handleEvent(event);
  }
  wrapper[kHandler] = handler;
  wrapper[kAttribute] = attribute;
  if (once) emitter.once(type, wrapper);
  else emitter.on(type, wrapper);
}

/** Gives a class of EventEmitters `addEventListener`, `removeEventListener` and the `on…` attributes. */
function installEventTarget(prototype) {
  prototype.addEventListener = function addEventListener(type, handler, options) {
    const usable = typeof handler === 'function' || typeof handler?.handleEvent === 'function';
    if (!Object.hasOwn(EVENTS, type) || !usable || find(this, type, handler, false)) return;
    const signal = options?.signal;
    if (signal?.aborted) return;
    add(this, type, handler, Boolean(options?.once), false);
    signal?.addEventListener('abort', () => this.removeEventListener(type, handler), { once: true });
  };

  prototype.removeEventListener = function removeEventListener(type, handler) {
    const wrapper = find(this, type, handler, false);
    if (wrapper !== undefined) this.removeListener(type, wrapper);
  };

  for (const type of Object.keys(EVENTS)) {
    Object.defineProperty(prototype, `on${type}`, {
      enumerable: true,
      configurable: true,
      get() {
        return find(this, type, null, true)?.[kHandler] ?? null;
      },
      set(handler) {
        const old = find(this, type, null, true);
        if (old !== undefined) this.removeListener(type, old);
        if (typeof handler === 'function') add(this, type, handler, false, true);
      },
    });
  }
}

module.exports = { Event, CloseEvent, ErrorEvent, MessageEvent, installEventTarget };
