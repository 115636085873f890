// The view Ask shows where a request is sent and why, and the response when it is sent.

addView({ id: "ask", name: "Ask", path: "/ask", open: openAsk, show: showAsk });

let asking = 0; // the number of the newest question; responses to older ones are ignored

// openAsk fills in the form from the address. With a rule in it, it looks for a request that the rule matches.
async function openAsk(_, query) {
  const form = byId("ask-form").elements;
  listObjects();
  if (query.has("rule")) {
    query = await exampleFor(query);
    if (!query) return;
    history.replaceState(null, "", `/ask?${query}`);
  }
  choose(form.from, wholeName(query.get("from") ?? "", latest?.workloads ?? []));
  form.method.value = query.get("method") || "GET";
  form.url.value = query.get("url") ?? "";
  form.headers.value = query.getAll("header").join("\n");
  if (query.get("url")) explainIt();
  else showAnswer(null);
}

async function exampleFor(query) {
  try {
    const { from, method, url, headers } = await ask(`/api/example?${query}`);
    return new URLSearchParams([["from", from], ["method", method], ["url", url], ...headers.map((header) => ["header", header])]);
  } catch (error) {
    showAskTrouble(error.message);
    return null;
  }
}

// showAsk offers the workloads as senders, and the address of the page where there is none.
function showAsk(state) {
  const { from, url } = byId("ask-form").elements;
  const whole = wholeName(from.value, state.workloads);
  if (whole !== from.value) choose(from, whole);
  offer(from, state.workloads.map((workload) => workload.name).toSorted());
  const page = state.links.find((link) => link.name === "Page");
  if (page && url.value === "" && document.activeElement !== url) url.value = page.url;
}

// wholeName returns the name of a workload with its namespace, which may be left out. A name of no workload is returned as it is.
function wholeName(name, workloads) {
  return workloads.find((workload) => workload.name.endsWith(`/${name}`))?.name ?? name;
}

// question returns the content of the form as the query of an address.
function question() {
  const { from, method, url, headers } = byId("ask-form").elements;
  const lines = headers.value.split("\n").map((line) => line.trim()).filter(Boolean);
  return new URLSearchParams([["from", from.value], ["method", method.value.trim() || "GET"], ["url", url.value.trim()], ...lines.map((line) => ["header", line])]);
}

// askLink returns a link that fills in the form.
function askLink(words, fields) {
  const link = element("a", "ask-link", words);
  link.href = `/ask?${new URLSearchParams(fields)}`;
  return link;
}

function showAskTrouble(text) {
  byId("ask-trouble").hidden = !text;
  tell("ask-trouble", text);
}

// explainIt asks what the rules do with the request of the form, and puts the question into the address.
async function explainIt() {
  const number = ++asking;
  const query = question();
  if (`?${query}` !== location.search) history.pushState(null, "", `/ask?${query}`);
  showAskTrouble("");
  byId("came-card").hidden = true;
  try {
    const answer = await ask(`/api/explain?${query}`);
    if (number === asking) showAnswer(answer);
  } catch (error) {
    if (number !== asking) return;
    showAnswer(null);
    showAskTrouble(error.message);
  }
}

// showAnswer shows an explanation in the words of hopline explain.
function showAnswer(answer) {
  byId("answer-empty").hidden = Boolean(answer);
  byId("answer").replaceChildren(...(answer ? answerParts(answer) : []));
  byId("answer-facts").replaceChildren(...(answer ? [element("span", "", `${answer.request}, from ${answer.caller}`)] : []));
}

function answerParts(answer) {
  const parts = [];
  if (answer.host) parts.push(element("p", "quiet", `rules of ${answer.host}`));
  const rules = element("ol", "judged");
  for (const rule of answer.passed) rules.append(judged(rule, "no", rule.why));
  if (answer.taken) rules.append(judged(answer.taken, "yes", `matches ${answer.taken.match}`));
  parts.push(rules, outcomeOfAnswer(answer));
  if (answer.destinations.length && !answer.refusal) parts.push(destinations(answer.destinations));
  const lines = element("ul", "effects");
  for (const effect of answer.effects) lines.append(element("li", "", effect));
  for (const near of answer.near) lines.append(withChildren(element("li", "near"), element("b", "", "note "), near));
  if (lines.children.length) parts.push(lines);
  parts.push(element("p", "quiet small", [answer.rules, answer.endpoints].filter(Boolean).join("; ")));
  return parts;
}

function judged(rule, verdict, words) {
  const item = element("li", verdict);
  const place = rule.place && rule.place !== rule.rule ? ` (${rule.place})` : "";
  item.append(element("b", "verdict-word", verdict), withChildren(element("span"), element("span", "rule-name", `${rule.object} ${rule.rule}${place}`), element("span", "why", words)));
  return item;
}

// outcomeOfAnswer shows in one line what happens: routed, or the status of the mesh.
function outcomeOfAnswer(answer) {
  if (!answer.status) return element("p", "outcome status good", "routed");
  const why = answer.refusal || answer.missing || (answer.location && `redirected to ${answer.location}`) || statusWords(answer);
  return element("p", `outcome status ${answer.status >= 400 ? "bad" : "good"}`, `${answer.status}: ${why}`);
}

function statusWords(answer) {
  if (!answer.taken) return "no rule matches";
  if (answer.status === 403) return "the destination does not accept it";
  if (answer.status === 503) return "no endpoints";
  return "response of the proxy";
}

function destinations(list) {
  const table = element("ul", "destinations");
  for (const to of list) {
    const item = element("li");
    const title = `${to.host}:${to.port}${to.subset ? ` subset ${to.subset}` : ""}`;
    const share = element("span", "share");
    const bar = paint(element("span", "share-bar"), to.subset);
    bar.style.setProperty("--share", `${to.percent}%`);
    share.append(element("b", "", percent(to.percent / 100)), bar);
    item.append(share, element("span", "to", title));
    const more = element("ul", "endpoints");
    for (const endpoint of to.endpoints) more.append(element("li", "", endpoint));
    for (const refusal of to.refusals) more.append(element("li", "bad", refusal));
    if (more.children.length) item.append(more);
    table.append(item);
  }
  return table;
}

// sendIt sends the request of the form, and shows the response beside what the rules do.
async function sendIt() {
  const form = byId("ask-form");
  const button = byId("ask-send");
  if (button.ariaDisabled || !form.reportValidity()) return;
  const query = question();
  button.ariaDisabled = "true";
  await explainIt();
  const number = asking;
  byId("came-card").hidden = false;
  byId("came").replaceChildren();
  tell("came-facts", "Waiting for the response");
  try {
    const body = { from: query.get("from"), method: query.get("method"), url: query.get("url"), headers: query.getAll("header"), body: form.elements.body.value };
    const response = await change("POST", "/api/send", body, { signal: AbortSignal.timeout(40_000) });
    if (number === asking) showCame(response);
  } catch (error) {
    if (number === asking) showNothingCame(error);
  } finally {
    button.ariaDisabled = null;
  }
}

function showCame(response) {
  const facts = [
    element("span", `status ${response.status >= 400 ? "bad" : "good"}`, response.text),
    withChildren(element("span"), "from ", element("b", "", response.by)),
    element("span", "", duration(response.took_us)),
    element("span", "", `sent by ${response.sender}`),
  ];
  if (response.trace) {
    const link = element("a", "", "its trace");
    link.href = `/trace/${response.trace}`;
    facts.push(link);
  }
  byId("came-facts").replaceChildren(...facts);
  const headers = element("details", "came-headers");
  const list = element("dl", "details");
  for (const { name, value } of response.headers) list.append(element("dt", "", name), element("dd", "", value));
  headers.append(element("summary", "", plural(response.headers.length, "header")), list);
  const text = response.binary ? "The body is not text." : response.body || "The body is empty.";
  const body = element("pre", response.body ? "body" : "body quiet", text);
  body.tabIndex = 0;
  const parts = [body, headers];
  if (response.cut) parts.splice(1, 0, element("p", "quiet", "The body is longer; this is its beginning."));
  byId("came").replaceChildren(...parts);
}

function showNothingCame(error) {
  tell("came-facts", "");
  byId("came").replaceChildren(element("p", "trouble", error.message));
}

byId("ask-form").addEventListener("submit", (event) => {
  event.preventDefault();
  explainIt();
});
byId("ask-send").addEventListener("click", sendIt);
