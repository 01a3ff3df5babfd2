/** Create and update DOM nodes. Text always becomes text nodes, so no input is parsed as HTML. */

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 */

/**
 * Create an element. `props`: `class`, `on` (event name to listener), `data`, `hidden`…; `true` sets an empty attribute,
 * `null` and `false` leave it out, everything else is an attribute.
 * @param {string} tag
 * @param {Record<string, any>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) setProp(element, name, value);
  element.append(...kept(children));
  return element;
}

/** @param {Element} element @param {string} name @param {any} value */
function setProp(element, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
  } else if (name === "data") {
    for (const [key, text] of Object.entries(value)) element.dataset[key] = text;
  } else if (name === "value") {
    element.value = value;
  } else {
    element.setAttribute(name === "class" ? "class" : name, value === true ? "" : String(value));
  }
}

/** @param {(Child | Child[])[]} children @returns {(Node | string)[]} */
function kept(children) {
  return children.flat(3).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => (child instanceof Node ? child : String(child)));
}

/** @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/**
 * Update the children to `items`, in order. A child whose `sign` is unchanged keeps its node, and with it focus,
 * selection and scroll position.
 * @template T
 * @param {HTMLElement} parent
 * @param {T[]} items
 * @param {{key: (item: T) => string, sign: (item: T) => string, draw: (item: T) => HTMLElement}} how
 */
export function keep(parent, items, { key, sign, draw }) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const [name, signature] = [key(item), sign(item)];
    const old = before.get(name);
    if (old && old.signature === signature) return old;
    const node = draw(item);
    node.dataset.key = name;
    node.signature = signature;
    if (old) keepFocus(old, () => old.replaceWith(node), () => node);
    return node;
  });
  const staying = new Set(wanted);
  for (const child of [...parent.children]) if (!staying.has(child)) child.remove();
  wanted.forEach((node, place) => {
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
}

/**
 * Redraw, and restore the focus by `data-focus`.
 * @param {HTMLElement} around @param {() => void} redraw @param {() => HTMLElement} [after] where to look afterwards
 */
export function keepFocus(around, redraw, after = () => around) {
  const held = document.activeElement;
  const name = held && around.contains(held) ? held.dataset.focus : null;
  const caret = held && "selectionStart" in held ? [held.selectionStart, held.selectionEnd] : null;
  redraw();
  if (!name) return;
  const again = [...after().querySelectorAll("[data-focus]")].find((each) => each.dataset.focus === name);
  if (!again) return;
  again.focus({ preventScroll: true });
  try {
    if (caret && caret[0] !== null && again.setSelectionRange) again.setSelectionRange(caret[0], caret[1]);
  } catch { /* not every input has a caret */ }
}
