// How a version looks and where it stands, the same on every page: a colour and a mark of one to three characters, so that nobody has to
// tell versions apart by colour alone, and one order. A colour always means a version; a service has its name.

// The colours are those of Okabe and Ito, chosen to stay apart for every common kind of colour blindness; the second is readable on the first.
const orange = ["#e69f00", "#1d1400"];
const sky = ["#56b4e9", "#04121b"];
const known = {
  amber: orange,
  blue: ["#0072b2", "#ffffff"],
  green: ["#009e73", "#00140e"],
  prod: sky,
  canary: ["#f0e442", "#1b1900"],
  dev: ["#cc79a7", "#1f0815"],
  test: ["#d55e00", "#160900"],
  v1: sky,
  v2: orange,
};

// Versions without a colour of their own take one of Paul Tol's muted scheme, always the same for the same name.
const spare = [
  ["#44aa99", "#00140f"],
  ["#ddcc77", "#1b1700"],
  ["#cc6677", "#1c0207"],
  ["#88ccee", "#04161f"],
  ["#aa4499", "#ffffff"],
  ["#999933", "#131300"],
];

function colours(version) {
  if (Object.hasOwn(known, version)) return known[version];
  let sum = 0;
  for (const char of version) sum = (sum * 31 + char.codePointAt(0)) % 65521;
  return spare[sum % spare.length];
}

// The way of a request through the suite, and what lies beside it.
const way = ["istio-ingressgateway", "front", "middle", "core", "clock", "istio-egressgateway", "worldtimeapi", "bounced", "minimal"];

// byWay compares services by their place on a request's way; others come after, by name.
function byWay(a, b) {
  return placeIn(way, a) - placeIn(way, b) || a.localeCompare(b);
}

// byVersion compares versions; those that the suite does not know come after, by name.
function byVersion(a, b) {
  return placeIn(Object.keys(known), a) - placeIn(Object.keys(known), b) || a.localeCompare(b);
}

function placeIn(list, name) {
  const place = list.indexOf(name);
  return place < 0 ? list.length : place;
}

// marks remembers which mark stands for which version of a service, so that prod and preview do not both become P.
const marks = new Map();

function markOf(service, version) {
  if (marks.size >= 100 && !marks.has(service)) marks.clear();
  const taken = marks.get(service) ?? new Map();
  marks.set(service, taken);
  if (taken.has(version)) return taken.get(version);
  const short = /^v?\d\S{0,1}$/i.test(version) ? version : "";
  const used = new Set(taken.values());
  const wishes = [short, version.slice(0, 1).toUpperCase(), version.slice(0, 1).toUpperCase() + version.slice(1, 2), version.slice(0, 3)];
  const mark = wishes.find((wish) => wish !== "" && !used.has(wish)) ?? "?";
  if (taken.size < 100) taken.set(version, mark);
  return mark;
}

// paint gives a node the colours of a version. Without a version it has none.
function paint(node, version) {
  if (!version) {
    node.classList.add("nobody");
    return node;
  }
  const [fill, ink] = colours(version);
  node.style.setProperty("--fill", fill);
  node.style.setProperty("--ink", ink);
  return node;
}

// versionBadge is the mark of a version of a service. What has no version, such as a gateway, has an empty one.
function versionBadge(service, version) {
  return paint(element("span", "badge", version ? markOf(service, version) : ""), version);
}
