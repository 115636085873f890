// The card with the status of Gateways and HTTPRoutes of the Gateway API, in the view Mesh.

let conditionsOf = ""; // the lab and the revision for which the conditions were read

// showConditions reads the conditions when another edition runs.
async function showConditions(state) {
  const key = `${state.lab} ${state.revision}`;
  if (conditionsOf === key) return;
  conditionsOf = key;
  try {
    const { conditions } = await ask("/api/conditions");
    if (key === conditionsOf) fillConditions(conditions);
  } catch {
    conditionsOf = ""; // the next state tries again
  }
}

function fillConditions(conditions) {
  byId("conditions-card").hidden = conditions.length === 0;
  const wrong = conditions.filter((one) => !one.true).length;
  byId("conditions-facts").textContent = wrong ? `${wrong} of ${plural(conditions.length, "condition")} not true` : "all conditions are true";
  settle(byId("conditions"), statusesOf(conditions), ({ object, of }) => `${object} ${of}`, statusRow);
}

// statusesOf puts the conditions of one object at one parent together; those that are not true are first.
function statusesOf(conditions) {
  const all = new Map();
  for (const one of conditions) {
    const key = `${one.object} ${one.of}`;
    const status = all.get(key) ?? { object: one.object, of: one.of, conditions: [] };
    all.set(key, status);
    status.conditions.push(one);
  }
  const good = ({ conditions: of }) => of.every((one) => one.true);
  return [...all.values()].sort((a, b) => Number(good(a)) - Number(good(b)));
}

function statusRow({ object, of, conditions }) {
  const row = element("li", "conditions-row");
  const name = element("p", "conditions-object");
  name.append(element("b", "", object.replace(".gateway.networking.k8s.io ", " ")), of ? element("span", "quiet", ` at ${of}`) : "");
  const list = element("ul", "conditions-list");
  for (const type of new Set(conditions.map((one) => one.type))) {
    const good = conditions.every((one) => one.type !== type || one.true);
    list.append(withChildren(element("li"), element("span", good ? "status good" : "status bad", good ? type : `${type} is False`)));
  }
  row.append(name, list);
  for (const one of conditions.filter((other) => !other.true)) {
    row.append(withChildren(element("p", "conditions-why"), element("b", "", one.reason), ` ${one.message}`, one.path ? element("code", "", one.path) : ""));
  }
  return row;
}
