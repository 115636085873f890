// What if: a part of the view Ask, which shows what other rules would change.

async function listObjects() {
  try {
    const { objects } = await ask("/api/objects");
    offer(byId("whatif-form").elements.object, objects);
  } catch (error) {
    showLines("whatif-trouble", [error.message]);
  }
}

async function beginWith(name) {
  const { yaml } = byId("whatif-form").elements;
  if (!name) {
    yaml.value = "";
    return;
  }
  try {
    yaml.value = (await ask(`/api/objects?name=${encodeURIComponent(name)}`)).yaml;
  } catch (error) {
    showLines("whatif-trouble", [error.message]);
  }
}

async function askWhatIf() {
  const form = byId("whatif-form");
  const button = form.querySelector("button");
  if (button.ariaDisabled) return;
  button.ariaDisabled = "true";
  showLines("whatif-trouble", []);
  tell("whatif-verdict", "Comparing");
  byId("whatif-answer").replaceChildren();
  try {
    const answer = await change("POST", "/api/whatif", { name: "", yaml: form.elements.yaml.value }, { signal: AbortSignal.timeout(60_000) });
    showWhatIf(answer);
  } catch (error) {
    tell("whatif-verdict", "");
    showLines("whatif-trouble", [error.message]);
  } finally {
    button.ariaDisabled = null;
  }
}

function showWhatIf(answer) {
  showLines("whatif-trouble", answer.problems.map((problem) => problem.text));
  if (answer.problems.length) {
    tell("whatif-verdict", "These rules cannot run.");
    return;
  }
  const differ = answer.groups.reduce((sum, group) => sum + group.count, 0);
  tell("whatif-verdict", verdictOf(answer, differ));
  const parts = [element("p", "quiet", answer.objects.join(", ") || "These objects run already.")];
  for (const note of answer.notes) parts.push(withChildren(element("p", "near"), element("b", "", "note "), note));
  for (const group of answer.groups) parts.push(groupCard(group, `${plural(group.count, "call")} of ${answer.calls}`));
  parts.push(element("h3", "", "Any request that a caller can send"));
  if (answer.any.groups.length === 0) parts.push(element("p", "", "None would be treated differently."));
  for (const group of answer.any.groups) parts.push(groupCard(group, ""));
  for (const limit of answer.any.limits) parts.push(withChildren(element("p", "near"), element("b", "", "note "), limit));
  byId("whatif-answer").replaceChildren(...parts);
}

function verdictOf(answer, differ) {
  if (answer.calls === 0) return "There are no calls yet to compare.";
  if (differ === 0) return `None of the last ${plural(answer.calls, "call")} would be treated differently.`;
  return `${differ} of the last ${plural(answer.calls, "call")} would be treated differently.`;
}

// groupCard shows requests that would be treated differently in the same way, with one of them.
function groupCard(group, count) {
  const card = element("section", "group");
  const head = element("p", "facts");
  if (count) head.append(element("b", "", count));
  head.append(element("span", "", `from ${group.callers.length > 4 ? plural(group.callers.length, "caller") : group.callers.join(", ")}`));
  card.append(head);
  for (const difference of group.differences) card.append(differenceOf(difference));
  const { from, method, url, header, trace } = group.example;
  const fields = [["from", from], ["method", method], ["url", url]];
  for (const [name, values] of Object.entries(header ?? {})) for (const value of values) fields.push(["header", `${name}: ${value}`]);
  const headers = fields.slice(3).map(([, line]) => line).join(", ");
  const example = withChildren(element("p", "example"), "such as ", askLink(`${method} ${url}`, fields), headers ? ` with ${headers}` : "");
  if (trace) {
    const link = element("a", "", "its trace");
    link.href = `/trace/${trace}`;
    example.append(", ", link);
  }
  card.append(example);
  return card;
}

function differenceOf(difference) {
  const moved = difference.shares.filter((share) => share.before !== share.after);
  if (moved.length === 0) {
    return withChildren(element("p", "difference"), element("b", "", difference.aspect), element("span", "was", difference.before), element("span", "arrow", "→"), element("span", "", difference.after));
  }
  const table = element("table", "shares");
  table.append(withChildren(element("thead"), withChildren(element("tr"), ...["Destination", "Before", "After"].map((name, place) => {
    const cell = element("th", place ? "num" : "", name);
    cell.scope = "col";
    return cell;
  }))));
  const rows = element("tbody");
  for (const { destination, before, after } of difference.shares) {
    const row = element("tr", before === after ? "" : "moved");
    row.append(element("td", "to", destination), element("td", "num", percent(before / 100)), element("td", "num", percent(after / 100)));
    rows.append(row);
  }
  table.append(rows);
  return table;
}

byId("whatif-form").addEventListener("submit", (event) => {
  event.preventDefault();
  askWhatIf();
});
byId("whatif-form").elements.object.addEventListener("change", (event) => beginWith(event.target.value));
