// How a version or a service looks: a colour and a mark of one to three characters, so that nobody has to tell them apart by colour alone.

// The colours are those of Okabe and Ito, chosen to stay apart for every common kind of colour blindness; ink is what is
// readable on them.
const orange = ["#e69f00", "#1d1400"];
const blue = ["#0072b2", "#ffffff"];
const green = ["#009e73", "#00140e"];
const sky = ["#56b4e9", "#04121b"];
const yellow = ["#f0e442", "#1b1900"];
const pink = ["#cc79a7", "#1f0815"];
const vermilion = ["#d55e00", "#160900"];

const versionColours = { amber: orange, blue, green, prod: sky, canary: yellow, dev: pink, test: vermilion, v1: sky, v2: orange };
const serviceColours = { front: blue, middle: green, core: pink, clock: orange, worldtimeapi: sky, bounced: vermilion, minimal: yellow };

// Names without a colour of their own take one of Paul Tol's muted scheme, always the same for the same name.
const spare = [
  ["#44aa99", "#00140f"],
  ["#ddcc77", "#1b1700"],
  ["#cc6677", "#1c0207"],
  ["#88ccee", "#04161f"],
  ["#aa4499", "#ffffff"],
  ["#999933", "#131300"],
];

function colours(known, name) {
  if (Object.hasOwn(known, name)) return known[name];
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.codePointAt(0)) % 65521;
  return spare[sum % spare.length];
}

// marks remembers which mark stands for which name of a group, so that core and clock do not both become C.
const marks = new Map();

function markOf(group, name) {
  if (marks.size >= 100 && !marks.has(group)) marks.clear();
  const taken = marks.get(group) ?? new Map();
  marks.set(group, taken);
  if (taken.has(name)) return taken.get(name);
  const short = /^v?\d\S{0,1}$/i.test(name) ? name : "";
  const used = new Set(taken.values());
  const wishes = [short, name.slice(0, 1).toUpperCase(), name.slice(0, 1).toUpperCase() + name.slice(1, 2), name.slice(0, 3)];
  const mark = wishes.find((wish) => wish !== "" && !used.has(wish)) ?? "?";
  if (taken.size < 100) taken.set(name, mark);
  return mark;
}

function paint(node, [fill, ink]) {
  node.style.setProperty("--fill", fill);
  node.style.setProperty("--ink", ink);
  return node;
}

function versionBadge(service, version) {
  return paint(element("span", "badge", markOf(service, version)), colours(versionColours, version));
}

function serviceBadge(service) {
  return paint(element("span", "badge square", markOf("", service)), colours(serviceColours, service));
}

// The suite's services are marked first, so that core is C on every page.
for (const service of Object.keys(serviceColours)) markOf("", service);
