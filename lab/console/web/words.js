// Functions that every part of the page uses. Text from outside is inserted as text, never as markup.

function withChildren(node, ...children) {
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
}

// duration returns a length of time in its best unit, or in the best unit of another length.
function duration(microseconds, other = microseconds) {
  if (other >= 1e6) return `${(microseconds / 1e6).toFixed(2)} s`;
  if (other >= 1e4) return `${Math.round(microseconds / 1e3)} ms`;
  if (other >= 1e3) return `${(microseconds / 1e3).toFixed(1)} ms`;
  return `${Math.round(microseconds)} µs`;
}

function percent(part) {
  const value = 100 * part;
  return `${value > 0 && value < 1 ? value.toFixed(1) : Math.round(value)} %`;
}

function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`;
}

// isWritten reports whether a rule is of a VirtualService or an HTTPRoute, and no default of a Service or ServiceEntry.
const isWritten = (rule) => /^(VirtualService|HTTPRoute) /.test(rule.object);

// hasNoName reports whether a rule has its place in place of a name: "http[1]", "rules[1]".
const hasNoName = (rule) => /^(http|rules)\[/.test(rule.name);

// clock returns a time of the viewer's time zone, with milliseconds.
function clock(microseconds) {
  const moment = new Date(microseconds / 1000);
  const two = (number) => String(number).padStart(2, "0");
  return `${two(moment.getHours())}:${two(moment.getMinutes())}:${two(moment.getSeconds())}.${String(moment.getMilliseconds()).padStart(3, "0")}`;
}

// tell sets the text of an element that a screen reader reads out. It does not set the same text again, because that would be read again.
function tell(id, words) {
  if (byId(id).textContent !== words) byId(id).textContent = words;
}

// showLines shows lines in a box, and hides it if there are none.
function showLines(id, lines) {
  byId(id).hidden = lines.length === 0;
  byId(id).replaceChildren(...lines.map((line) => element("span", "line-of", line)));
}

// settle gives parent one child for each item. A child whose item is unchanged stays in the document. The focus stays where it is, also in a child
// that is made anew; from a child whose item has gone it moves to the child that takes its place.
function settle(parent, items, key, make) {
  const standing = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const [id, text] = [String(key(item)), JSON.stringify(item)];
    const child = standing.get(id);
    if (child?.settled === text) return child;
    const fresh = make(item);
    fresh.dataset.key = id;
    fresh.settled = text;
    return fresh;
  });
  const keep = new Set(wanted);
  const focused = document.activeElement;
  const before = [...parent.children];
  const had = before.find((child) => child.contains(focused));
  for (const child of before) if (!keep.has(child)) child.remove();
  wanted.forEach((child, place) => {
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  if (!had || had.contains(document.activeElement)) return;
  const place = Math.min(before.indexOf(had), wanted.length - 1);
  const next = wanted.find((child) => child.dataset.key === had.dataset.key) ?? wanted[place];
  if (next) (controlsOf(next)[controlsOf(had).indexOf(focused)] ?? controlsOf(next).at(-1)).focus();
}

// controlsOf lists what can have the focus in a part of the page.
function controlsOf(part) {
  return [part, ...part.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")];
}

// ask fetches JSON. An error response becomes an Error with the text of the lab.
async function ask(path, options = {}) {
  const response = await fetch(path, { signal: AbortSignal.timeout(10_000), ...options });
  if (!response.ok) throw Object.assign(new Error(await errorText(response)), { status: response.status });
  return response.status === 204 ? null : response.json();
}

async function errorText(response) {
  const text = (await response.text()).trim();
  if (response.headers.get("Content-Type")?.startsWith("application/json")) return JSON.parse(text).error;
  return text || `${response.status} ${response.statusText}`;
}

// own returns the element with what a document has of its lab: the lab's identifier, or the token.
function own(name, of = document) {
  return of.querySelector(`meta[name=hopline-${name}]`);
}

// change sends a request that changes something. It has the token of this page, which no other page can read.
function change(method, path, body, options = {}) {
  const token = own("token").content;
  const headers = { "X-Hopline-Token": token, ...(body === undefined ? {} : { "Content-Type": "application/json" }) };
  return ask(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ...options });
}

// offer gives a choice its options after the first one, unless it has them, so that an open list is not touched. What is chosen stays chosen.
function offer(select, names) {
  if (select.settled === JSON.stringify(names)) return;
  select.settled = JSON.stringify(names);
  const chosen = select.value;
  select.replaceChildren(select.options[0], ...names.map((name) => element("option", "", name)));
  choose(select, chosen);
}

// choose selects a name, and adds it as an option if it is missing.
function choose(select, name) {
  if (![...select.options].some((option) => option.value === name)) select.append(element("option", "", name));
  select.value = name;
}
