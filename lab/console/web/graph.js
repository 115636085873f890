// The graph of the view Mesh: who calls whom, drawn as SVG. Its structure is drawn again only when the overlay changes; with traffic only
// the labels and lines of the edges change.

let folded = null; // the namespaces that are folded; null: those that fold by default
let drawn = null; // what is drawn: its key, the layout, and the nodes of the document by id
let graphNow = { nodes: [], edges: [], why: "" };
let pickedPart = null; // the id of what has the focus among the parts of the graph
const narrowScreen = matchMedia("(max-width: 46rem)");

function showGraph(graph) {
  graphNow = graph;
  byId("graph-why").hidden = !graph.why;
  byId("graph-why").textContent = graph.why;
  byId("graph-empty").hidden = graph.nodes.length > 0;
  const quiet = !graph.why && graph.nodes.length > 0 && graph.edges.every((edge) => edge.requests === 0);
  byId("graph-quiet").hidden = !quiet;
  byId("graph-facts").hidden = quiet;
  if (graph.nodes.length === 0) return;
  folded ??= foldedByDefault(graph);
  const key = JSON.stringify([graph.nodes.map(({ id, service, version, layer }) => [id, service, version, layer]), graph.edges.map(({ id, configured }) => [id, configured]), [...folded], narrowScreen.matches]);
  if (drawn?.key !== key) drawGraph(key, graph);
  updateGraph(graph);
}

// drawGraph draws the structure.
function drawGraph(key, graph) {
  const had = document.activeElement?.closest?.("#graph .part")?.dataset.part;
  const plan = layOut(graph, folded);
  drawn = { key, plan, edges: new Map(), units: new Map() };
  showFolds(graph);
  if (narrowScreen.matches) return listGraph(plan);
  const picture = svg("svg", { viewBox: `0 0 ${plan.width} ${plan.height}`, class: "picture", role: "group", "aria-label": "Who calls whom. Arrow keys move, Enter opens details." });
  picture.style.setProperty("--natural", `${plan.width / 16}rem`);
  if (plan.aloneAt) picture.append(svg("text", { x: 1, y: plan.aloneAt - 8, class: "aside" }, "No call from or to these is configured"));
  for (const edge of plan.edges) picture.append(drawEdge(edge));
  for (const unit of plan.units) picture.append(drawUnit(unit));
  byId("graph").replaceChildren(picture);
  byId("graph").classList.toggle("dense", plan.width > 2200);
  const parts = [...picture.querySelectorAll(".part")];
  const start = parts.find((part) => part.dataset.part === (had ?? pickedPart)) ?? parts.find((part) => part.closest(".row")) ?? parts[0];
  if (start) start.tabIndex = 0;
  if (had && start) start.focus();
}

// listGraph lists the edges below their callers: on a narrow screen a picture would be too small to read.
function listGraph(plan) {
  const list = element("ul", "edge-list");
  const callers = plan.units.filter((unit) => plan.edges.some((edge) => edge.from === unit)).sort((a, b) => a.layer - b.layer || byWay(a.app, b.app));
  for (const unit of callers) {
    const inner = element("ul");
    for (const edge of plan.edges.filter((one) => one.from === unit)) inner.append(withChildren(element("li"), listEdge(edge)));
    list.append(withChildren(element("li"), element("b", "", unit.app), inner));
  }
  byId("graph").replaceChildren(list);
}

function listEdge(edge) {
  const button = element("button", "part edge-line");
  button.type = "button";
  button.dataset.part = edge.key;
  const node = graphNow.nodes.find((one) => one.id === edge.node);
  const labels = { name: element("span", "label name"), configured: element("span", "label configured"), observed: element("span", "label observed"), rate: element("span", "label rate"), time: element("span", "label time") };
  const marks = element("span", "signs");
  button.append(withChildren(element("span", "edge-end"), "→ ", node?.version ? versionBadge(node.app, node.version) : "", element("span", "", edge.to ? endName(edge.node) : "the mesh itself")), labels.rate, labels.time, labels.name, labels.configured, labels.observed, marks);
  button.addEventListener("click", () => openEdge(edge));
  drawn.edges.set(edge.key, { edge, group: button, labels, marks });
  return button;
}

// showFolds lists the namespaces, each of which can be folded.
function showFolds(graph) {
  const namespaces = [...new Set(graph.nodes.filter((node) => node.kind === "workload").map((node) => node.namespace))].sort();
  byId("folds").hidden = namespaces.length < 2;
  settle(byId("folds"), namespaces.map((name) => ({ name, open: !folded.has(name) })), ({ name }) => name, ({ name, open }) => {
    const button = element("button", "fold", name);
    button.type = "button";
    button.ariaPressed = String(open);
    button.title = open ? `Fold the namespace ${name} into one box` : `Show the services of the namespace ${name}`;
    button.addEventListener("click", () => toggleFold(name));
    return withChildren(element("li"), button);
  });
}

function toggleFold(name) {
  if (!folded.delete(name)) folded.add(name);
  showGraph(graphNow);
  for (const button of byId("folds").querySelectorAll("button")) if (button.textContent === name) button.focus();
}

// graphPart returns a part of the graph that can be reached and opened. Its texts are beside it, because its name says more than they do.
function graphPart(id) {
  const group = svg("g", { class: "part", role: "button", tabindex: -1 });
  group.dataset.part = id;
  return group;
}

function drawEdge(edge) {
  const group = svg("g", { class: `edge ${edge.to ? "" : "own"}` });
  const touch = graphPart(edge.key);
  const way = wayOf(edge);
  group.append(touch);
  touch.append(svg("path", { d: way.path, class: "hit" }), svg("path", { d: way.path, class: "line" }));
  if (edge.to) touch.append(svg("path", { d: `M ${edge.to.x - 7} ${way.y - 4.5} l 7 4.5 l -7 4.5 z`, class: "head" }));
  const line = (dy, className) => {
    const text = svg("text", { x: edge.to ? edge.to.x - 12 : way.x + 8, y: way.y + dy, class: `label ${className}`, "text-anchor": edge.to ? "end" : "start" });
    group.append(text);
    return text;
  };
  const labels = edge.to ? { name: line(-34, "name"), configured: line(-20, "configured"), observed: line(-6, "observed"), rate: line(15, "rate"), time: line(29, "time") } : { rate: line(4, "rate") };
  if (!edge.to) touch.append(svg("rect", { x: way.x, y: way.y - 11, width: pillWidth, height: 22, rx: 11, class: "pill" }));
  const marks = svg("g", { class: "signs" });
  group.append(marks);
  group.classList.toggle("loose", Boolean(way.loose));
  listenTo(group, touch, () => openEdge(edge));
  drawn.edges.set(edge.key, { edge, group, touch, labels, marks, way });
  return group;
}

function drawUnit(unit) {
  const group = svg("g", { class: `unit ${unit.kind} ${unit.fold ? "folded" : ""}` });
  group.append(svg("rect", { x: unit.x, y: unit.y, width: boxWidth, height: unit.height, rx: 10, class: "box" }));
  const title = svg("text", { x: unit.x + 12, y: unit.y + 20, class: "title" }, shorten(unit.app.replace(/^istio-/, ""), 17));
  title.append(svg("title", {}, unit.fold ? `namespace ${unit.namespace}` : unit.id));
  group.append(title);
  const rows = new Map();
  for (const row of unit.rows) {
    const node = unit.nodes.find((one) => one.id === row.id) ?? unit.nodes[0];
    group.append(drawRow(unit, row, node, rows));
  }
  drawn.units.set(unit.id, { unit, rows });
  return group;
}

// drawRow draws one version of a service, or the only row of what has no versions.
function drawRow(unit, row, node, rows) {
  const group = svg("g", { class: "row" });
  const touch = graphPart(row.id);
  const y = row.y + row.height / 2;
  group.append(touch);
  touch.append(svg("rect", { x: unit.x + 4, y: row.y + 1, width: boxWidth - 8, height: row.height - 4, rx: 7, class: "field" }));
  let x = unit.x + 12;
  if (!unit.fold && node.version) {
    const badge = paint(svg("circle", { cx: x + 10, cy: y - 1, r: 10, class: "dot" }), node.version);
    group.append(badge, paint(svg("text", { x: x + 10, y: y + 3.5, class: "mark", "text-anchor": "middle" }, markOf(node.app, node.version)), node.version));
    x += 27;
  }
  const kinds = { gateway: "gateway", outside: "outside" };
  const words = unit.fold ? plural(new Set(unit.nodes.map((one) => one.service)).size, "service") : node.version || kinds[node.kind] || shorten(node.id.split("/").at(-1), 14);
  const name = svg("text", { x, y: y + 4, class: "version" }, shorten(words, 15));
  const state = svg("text", { x, y: y + 18, class: "state" });
  group.append(name, state);
  listenTo(group, touch, unit.fold ? () => toggleFold(unit.namespace) : () => openNode(node.id));
  rows.set(row.id, { group, touch, state, name, y, node });
  return group;
}

function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function listenTo(group, touch, open) {
  group.addEventListener("click", () => {
    pickPart(touch);
    touch.focus();
    open();
  });
  touch.addEventListener("focus", () => pickPart(touch));
  touch.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open();
    }
  });
}

// pick makes a part reachable by Tab.
function pickPart(group) {
  pickedPart = group.dataset.part;
  for (const other of byId("graph").querySelectorAll(".part[tabindex='0']")) other.tabIndex = -1;
  group.tabIndex = 0;
}

// repaint makes Chromium draw a group again after its class has changed, which it does not always do within an SVG.
function repaint(group) {
  group.style.setProperty("--painted", group.getAttribute("class").length);
}

// updateGraph shows the traffic on what is drawn.
function updateGraph(graph) {
  const byKey = new Map(graph.edges.map((edge) => [edge.id, edge]));
  for (const one of drawn.edges.values()) updateEdge(one, one.edge.parts.map((id) => byKey.get(id)).filter(Boolean));
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  for (const { unit, rows } of drawn.units.values()) for (const [id, row] of rows) updateRow(unit, id, row, nodes);
}

// sumOf adds the figures of joined edges. Percentiles of several edges cannot be added: the largest is shown.
function sumOf(edges) {
  const sum = { perSecond: 0, requests: 0, failed: 0, tries: 0, copies: 0, denied: 0, injected: 0, p50: 0, p99: 0, parts: edges.length };
  for (const edge of edges) {
    sum.perSecond += edge.per_second;
    sum.failed += edge.errors * edge.requests;
    for (const name of ["requests", "tries", "copies", "denied", "injected"]) sum[name] += edge[name];
    sum.p50 = Math.max(sum.p50, edge.p50_ms);
    sum.p99 = Math.max(sum.p99, edge.p99_ms);
  }
  sum.errors = sum.requests ? sum.failed / sum.requests : 0;
  return sum;
}

function updateEdge({ edge, group, touch, labels, marks, way }, parts) {
  const sum = sumOf(parts);
  const rules = parts.flatMap((one) => one.rules);
  const rule = ruleOf(rules);
  const state = JSON.stringify([sum, rules]);
  if (group.settled === state) return;
  group.settled = state;
  const busy = sum.requests + sum.copies > 0;
  group.classList.toggle("idle", !busy);
  group.classList.toggle("failing", sum.errors > 0);
  group.classList.toggle("hushed", !busy && !edge.to);
  group.style.setProperty("--thick", String(busy ? Math.min(9, 1.75 + 2.2 * Math.log10(1 + sum.perSecond)) : 1.25));
  setWords(labels.rate, sum.requests ? [`${rateText(sum.perSecond)}/s`, sum.errors > 0 ? `${percent(sum.errors)} failed` : ""].filter(Boolean).join(" · ") : "");
  if (edge.to) {
    setWords(labels.name, rule && !hasNoName(rule) ? shorten(rule.name, 20) : "");
    setWords(labels.configured, rule?.configured > 0 && !takesAll(rule) ? `${rule.even ? "even" : "configured"} ${percent(rule.configured)}` : "");
    setWords(labels.observed, rule && rule.of > 0 && !(takesAll(rule) && rule.observed === 1) ? `observed ${percent(rule.observed)} (${boundsText(rule)})` : "");
    setWords(labels.time, sum.requests ? (sum.parts > 1 ? `p99 up to ${millisText(sum.p99)}` : `p50 ${millisText(sum.p50)} · p99 ${millisText(sum.p99)}`) : "");
  } else if (sum.requests) {
    setWords(labels.rate, `mesh ${rateText(sum.perSecond)}/s`);
  }
  if (way && edge.to) placeLabels(labels, way.y, signsOf(sum).length > 0);
  if (way) showSigns(marks, signsOf(sum), edge.to ? edge.to.x - 14 : way.x + pillWidth + 20, way.y);
  else setWords(marks, signsOf(sum).map(({ words }) => words).join(", "));
  if (way) touch.ariaLabel = edgeWords(edge, sum, rule);
}

// placeLabels puts the labels of an edge above and below its line, without gaps for empty ones, and with room for signs on the line.
function placeLabels({ name, configured, observed, rate, time }, y, signs) {
  const room = signs ? 6 : 0;
  [observed, configured, name].filter((label) => label.textContent !== "").forEach((label, place) => label.setAttribute("y", y - 6 - room - 14 * place));
  rate.setAttribute("y", y + 15 + room);
  time.setAttribute("y", y + 29 + room);
}

// ruleOf returns the rule of a VirtualService or an HTTPRoute that decides about most requests of an edge.
function ruleOf(rules) {
  const written = rules.filter(isWritten);
  return written.sort((a, b) => b.requests - a.requests || b.configured - a.configured)[0];
}

const takesAll = (rule) => rule.configured > 0.9999;

function boundsText({ low, high }) {
  return `${Math.round(100 * low)}–${Math.round(100 * high)}`;
}

function setWords(node, words) {
  if (node.textContent !== words) node.textContent = words;
}

function rateText(perSecond) {
  if (perSecond >= 100) return String(Math.round(perSecond));
  return perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

function millisText(ms) {
  return duration(ms * 1000).replace(" ", " ");
}

// signsOf lists what is special about the requests of an edge: a sign, a count and words.
function signsOf(sum) {
  const signs = [];
  if (sum.tries > sum.requests) signs.push({ sign: "↻", count: sum.tries, words: `${plural(sum.tries, "try", "tries")} of ${plural(sum.requests, "request")}` });
  if (sum.injected) signs.push({ sign: "⚡", count: sum.injected, words: `${plural(sum.injected, "injected fault")}` });
  if (sum.copies) signs.push({ sign: "⇉", count: sum.copies, words: `${plural(sum.copies, "mirrored copy", "mirrored copies")}` });
  if (sum.denied) signs.push({ sign: "403", count: sum.denied, words: `${sum.denied} denied` });
  return signs;
}

// showSigns draws the signs on the line of an edge, from its end.
function showSigns(group, signs, right, y) {
  const key = JSON.stringify(signs);
  if (group.settled === key) return;
  group.settled = key;
  group.replaceChildren();
  for (const { sign, count, words } of signs) {
    const text = `${sign} ${count}`;
    const width = 10 + 6.6 * text.length;
    right -= width + 4;
    const one = svg("g", { class: "sign" });
    one.append(svg("title", {}, words), svg("rect", { x: right, y: y - 9, width, height: 18, rx: 9 }), svg("text", { x: right + width / 2, y: y + 4, "text-anchor": "middle" }, text));
    group.append(one);
  }
}

function endName(id) {
  if (id === "mesh") return "the mesh itself";
  const node = graphNow.nodes.find((one) => one.id === id);
  return node ? `${node.app} ${node.version}`.trim() : id.replace(/^(gateway|outside|namespace) /, "");
}

// edgeWords describes an edge, for screen readers.
function edgeWords(edge, sum, rule) {
  const words = [`${edge.from.app} to ${edge.to ? endName(edge.node) : "the mesh itself"}`];
  if (sum.requests) words.push(`${rateText(sum.perSecond)} requests per second`, `${percent(sum.errors)} failed`, `p50 ${millisText(sum.p50)}`, `p99 ${millisText(sum.p99)}`);
  else words.push("no requests");
  if (rule) words.push(`rule ${rule.name}`);
  if (rule?.configured > 0) words.push(`configured ${percent(rule.configured)}`);
  if (rule?.of > 0) words.push(`observed ${percent(rule.observed)}`);
  return [...words, ...signsOf(sum).map((sign) => sign.words)].join(", ");
}

function updateRow(unit, id, row, nodes) {
  const own = unit.fold ? unit.nodes.map((node) => nodes.get(node.id)).filter(Boolean) : [nodes.get(id)].filter(Boolean);
  const words = stateOf(own);
  row.group.classList.toggle("unwell", words !== "");
  setWords(row.state, shorten(words, 18));
  setWords(row.name, row.name.textContent);
  const up = words ? -3 : 4;
  row.name.setAttribute("y", row.y + up);
  row.state.setAttribute("y", row.y + 12);
  const label = unit.fold ? `namespace ${unit.namespace}, ${row.name.textContent}, folded` : endName(id);
  row.touch.ariaLabel = [label, words || (own[0]?.kind === "workload" ? "ready" : "")].filter(Boolean).join(", ");
}

// stateOf returns what is wrong with nodes; nothing if all is well.
function stateOf(nodes) {
  const workloads = nodes.filter((node) => node.kind === "workload");
  const ready = workloads.reduce((sum, node) => sum + node.ready, 0);
  const replicas = workloads.reduce((sum, node) => sum + node.replicas, 0);
  const ejected = workloads.reduce((sum, node) => sum + node.ejected, 0);
  const words = [];
  if (ready < replicas) words.push(`${ready}/${replicas} ready`);
  if (workloads.length && replicas === 0) words.push("off");
  if (ejected) words.push(`${ejected} ejected`);
  return words.join(", ");
}

// Arrow keys move to the closest part in their direction.
byId("graph").addEventListener("keydown", (event) => {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  const from = event.target.closest(".part");
  if (!direction || !from || event.metaKey || event.ctrlKey || event.altKey) return;
  event.preventDefault();
  const [dx, dy] = direction;
  const middle = (part) => {
    const box = (part.closest(".row") ?? part.closest(".edge").querySelector(".label.rate")).getBoundingClientRect();
    const empty = box.width === 0 && box.height === 0;
    const way = empty ? part.querySelector(".line").getBoundingClientRect() : box;
    return empty ? [way.right - 40, way.bottom - 4] : [way.x + way.width / 2, way.y + way.height / 2];
  };
  const [x, y] = middle(from);
  let best = null;
  let least = Infinity;
  for (const part of byId("graph").querySelectorAll(".part")) {
    if (part === from || part.closest(".hushed")) continue;
    const [otherX, otherY] = middle(part);
    const [along, aside] = [(otherX - x) * dx + (otherY - y) * dy, Math.abs((otherX - x) * dy) + Math.abs((otherY - y) * dx)];
    if (along > 4 && along + 2.5 * aside < least) [best, least] = [part, along + 2.5 * aside];
  }
  best?.focus();
});

narrowScreen.addEventListener("change", () => graphNow.nodes.length && showGraph(graphNow));
