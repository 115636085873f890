// How a version looks: a colour and a mark of one to three characters, so that nobody has to tell versions apart by colour alone.

// The colours are those of Okabe and Ito, chosen to stay apart for every common kind of colour blindness; ink is what is
// readable on them.
const palette = {
  amber: ["#e69f00", "#1d1400"],
  blue: ["#0072b2", "#ffffff"],
  green: ["#009e73", "#00140e"],
  prod: ["#56b4e9", "#04121b"],
  canary: ["#f0e442", "#1b1900"],
  dev: ["#cc79a7", "#1f0815"],
  test: ["#d55e00", "#160900"],
  v1: ["#56b4e9", "#04121b"],
  v2: ["#e69f00", "#1d1400"],
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
  if (Object.hasOwn(palette, version)) return palette[version];
  let sum = 0;
  for (const char of version) sum = (sum * 31 + char.codePointAt(0)) % 65521;
  return spare[sum % spare.length];
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

function badge(service, version) {
  const [fill, ink] = colours(version);
  const span = element("span", "badge", markOf(service, version));
  span.style.setProperty("--fill", fill);
  span.style.setProperty("--ink", ink);
  return span;
}
