// The drawer's content for an edge and for a node of the graph.

const detailsEvery = 2000; // ms between two reads of an edge

// openEdge opens an edge: its figures, its rules with their YAML, and its last calls.
function openEdge(edge) {
  const title = `${edge.from.app} → ${edge.to ? endName(edge.node) : "mesh"}`;
  const [facts, rules, calls] = [element("div", "call-figures"), element("div", "rule-cards"), element("div", "calls")];
  let open = true;
  const look = async () => {
    try {
      const all = await Promise.all(edge.parts.slice(0, 8).map((id) => ask(`/api/edges/${id}`)));
      if (!open) return;
      showEdgeRules(rules, all.flatMap((one) => one.rules), edge);
      showCalls(calls, all.flatMap((one) => one.calls).sort((a, b) => b.number - a.number).slice(0, 20));
    } catch (error) {
      if (open) calls.replaceChildren(element("p", "trouble", error.message));
    }
  };
  const show = () => showFigures(facts, sumOf(graphNow.edges.filter((one) => edge.parts.includes(one.id))), edge);
  const timer = setInterval(() => {
    show();
    look();
  }, detailsEvery);
  markPart(edge.key, true);
  openDrawer(title, [facts, rules, calls], () => {
    open = false;
    clearInterval(timer);
    markPart(edge.key, false);
  });
  show();
  look();
}

// markPart marks the part of the graph that the drawer shows.
function markPart(key, on) {
  for (const part of byId("graph").querySelectorAll(".part")) {
    if (part.dataset.part !== key) continue;
    part.classList.toggle("opened", on);
    repaint(part);
  }
}

function figureOf(name, value, bad = false) {
  return withChildren(element("div", "figure"), element("dt", "", name), element("dd", bad ? "bad" : "", value));
}

function showFigures(box, sum, edge) {
  const list = element("dl", "figure-list");
  list.append(figureOf("per second", sum.requests ? rateText(sum.perSecond) : nothing), figureOf("failed", sum.requests ? percent(sum.errors) : nothing, sum.errors > 0));
  if (edge.to) list.append(figureOf("p50", sum.requests ? millisText(sum.p50) : nothing), figureOf("p99", sum.requests ? millisText(sum.p99) : nothing));
  const signs = element("ul", "sign-list");
  for (const { sign, words } of signsOf(sum)) signs.append(withChildren(element("li"), element("b", "", sign), ` ${words}`));
  const note = element("p", "quiet", edge.to ? "The last 10 to 15 seconds." : "The caller's own proxy responded to these requests: no upstream got them. The last 10 to 15 seconds.");
  replaceSettled(box, [list, signs, note], JSON.stringify(sum));
}

// replaceSettled replaces the content of a box, unless its data is the same.
function replaceSettled(box, content, key) {
  if (box.settled === key) return;
  box.settled = key;
  box.replaceChildren(...content);
}

function showEdgeRules(box, rules, edge) {
  const counted = new Map(graphNow.edges.filter((one) => edge.parts.includes(one.id)).flatMap((one) => one.rules.map((rule) => [`${rule.object} ${rule.name} ${rule.callers}`, rule])));
  const content = rules.map((rule) => ruleCard(rule, counted.get(`${rule.object} ${rule.name} ${rule.callers}`)));
  replaceSettled(box, [element("h3", "", rules.length === 1 ? "Rule" : "Rules"), ...(content.length ? content : [element("p", "empty", "No rule sends requests here.")])], JSON.stringify([rules, [...counted.values()]]));
}

function ruleCard(rule, counts) {
  const card = element("section", "rule-card");
  const head = element("p", "when");
  if (rule.name !== "default") head.append(element("b", "", rule.name));
  head.append(element("span", "quiet", rule.object));
  if (isWritten(rule)) head.append(changeButton(`rule ${rule.name} of ${rule.object}`, () => openRule(rule.object, rule.name)));
  card.append(head);
  const words = rule.name === "default" ? "no VirtualService and no HTTPRoute: the ready pods share all requests" : rule.matches.length ? either(rule.matches) : "requests that no earlier rule matches";
  card.append(element("p", "match", words));
  if (rule.does.length) card.append(withChildren(element("p", "chips"), ...rule.does.map((does) => element("span", "chip", does))));
  if (counts && counts.of > 0 && counts.configured > 0) card.append(shareScale(counts));
  if (rule.file) {
    card.append(withChildren(element("p", "place"), element("code", "", `${rule.file}:${rule.line}`)), yamlOf(rule));
  }
  return card;
}

// shareScale draws the configured share and the observed one, with its interval, on a scale from 0 to 100 %.
function shareScale({ configured, observed, low, high, requests, of }) {
  const box = element("div", "scale");
  const bar = element("div", "scale-bar");
  bar.role = "img";
  bar.ariaLabel = `configured ${percent(configured)}, observed ${percent(observed)}, with 95 % confidence from ${percent(low)} to ${percent(high)}`;
  const put = (className, from, to) => {
    const piece = element("span", className);
    piece.style.setProperty("--from", `${100 * from}%`);
    piece.style.setProperty("--to", `${100 * to}%`);
    bar.append(piece);
  };
  put("scale-interval", low, high);
  put("scale-observed", observed, observed);
  put("scale-configured", configured, configured);
  box.append(bar, withChildren(element("p", "scale-words"), element("b", "", `configured ${percent(configured)}`), element("span", "", `observed ${percent(observed)} (95 %: ${boundsText({ low, high })} %)`), element("span", "quiet", `${requests} of ${of} requests`)));
  return box;
}

// yamlOf shows lines of a file with their numbers.
function yamlOf(rule) {
  const list = element("ol", "yaml");
  list.start = rule.line;
  list.style.setProperty("--first", rule.line - 1);
  for (const line of rule.text.split("\n")) list.append(withChildren(element("li"), element("code", "", line || " ")));
  return list;
}

function showCalls(box, calls) {
  const key = JSON.stringify(calls);
  if (box.settled === key) return;
  box.settled = key;
  const head = element("h3", "", "Last calls");
  if (calls.length === 0) return box.replaceChildren(head, element("p", "empty", "No call yet among the last 1,000 of the mesh."));
  const list = element("ol", "call-list");
  for (const call of calls) list.append(callRow(call));
  box.replaceChildren(head, list);
}

function callRow(call) {
  const item = element("li", "call");
  const link = element("a", "request", `${call.method} ${call.path}`);
  link.href = `/trace/${call.trace}`;
  if (call.copy || !call.trace) link.removeAttribute("href"); // a copy has no span in the trace
  const failed = call.status === 0 || call.status >= 500;
  const outcome = element("span", failed ? "status bad" : "status good", call.status ? String(call.status) : "no response");
  const notes = [call.tries > 1 ? plural(call.tries, "try", "tries") : "", call.injected ? "fault injected" : "", call.copy ? "a copy" : "", call.why].filter(Boolean);
  item.append(withChildren(element("p", "call-line"), outcome, link, element("span", "quiet took-words", duration(call.duration_us))));
  item.append(element("p", "quiet call-note", [clock(1000 * call.start).slice(0, 8), `from ${endName(call.from)}`, ...notes].join(" · ")));
  return item;
}

// openNode opens a node: its pods, its rate, and links to its traces and logs.
function openNode(id) {
  const box = element("div", "node-details");
  const show = () => {
    const node = graphNow.nodes.find((one) => one.id === id);
    if (!node) return;
    const workload = latest?.workloads.find((one) => one.name === id);
    replaceSettled(box, nodeDetails(node, workload), JSON.stringify([node, workload, latest?.ejections]));
  };
  const timer = setInterval(show, 1000);
  markPart(id, true);
  openDrawer(endName(id), [box], () => {
    clearInterval(timer);
    markPart(id, false);
  });
  show();
}

function nodeDetails(node, workload) {
  const kinds = { gateway: "A gateway of the mesh, in the process of the lab.", outside: "A host outside of the overlay." };
  const content = [withChildren(element("p", "node-kind"), node.version ? versionBadge(node.app, node.version) : "", element("span", "quiet", kinds[node.kind] ?? `Workload ${node.id}`))];
  const links = element("p", "node-links");
  const link = (words, address) => {
    const anchor = element("a", "", words);
    anchor.href = address;
    links.append(anchor);
  };
  link("Traces", `/traces?service=${encodeURIComponent(node.app)}`);
  if (workload) link("Logs", `/logs?workload=${encodeURIComponent(node.id)}`);
  content.push(links);
  if (!workload) return content;
  links.append(changeButton(`workload ${node.id}`, () => openWorkload(workload.name)));
  const { per_second: perSecond, errors, mean_ms: mean } = workload.rate;
  const list = element("dl", "figure-list");
  list.append(figureOf("per second", perSecond ? rateText(perSecond) : nothing), figureOf("failed", perSecond ? percent(errors) : nothing, errors > 0), figureOf("mean", perSecond ? millisText(mean) : nothing), figureOf("ready", `${workload.ready} of ${workload.replicas}`, workload.ready < workload.replicas));
  content.push(list, element("h3", "", workload.pods.length === 1 ? "Pod" : "Pods"));
  const pods = element("ul", "pod-list");
  for (const pod of workload.pods) pods.append(podRow(pod));
  content.push(workload.pods.length ? pods : element("p", "empty", "No pod runs."));
  return content;
}

function podRow(pod) {
  const item = element("li", "pod");
  const ejections = (latest?.ejections ?? []).filter((ejection) => ejection.pod === pod.name);
  const well = pod.state === "ready" && ejections.length === 0;
  item.append(withChildren(element("p", "call-line"), element("span", well ? "status good" : "status waits", ejections.length ? "ejected" : pod.state), element("code", "", pod.name.split("/").at(-1))));
  const notes = [pod.process ? `process ${pod.process}` : "", pod.started ? `since ${clock(1000 * pod.started).slice(0, 8)}` : "", pod.restarts ? plural(pod.restarts, "restart") : "", reasonOf(pod)].filter(Boolean);
  item.append(element("p", "quiet call-note", notes.join(" · ")));
  for (const reason of new Set(ejections.map(ejectionWords))) item.append(element("p", "quiet call-note", reason));
  return item;
}
