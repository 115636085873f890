// The sliders of a rule: the shares of its destinations, which are 100 together.

const dragEvery = 250; // ms between two requests while a slider is dragged

// shareSliders returns one slider for each destination of a rule, which have the weights. Together they are 100.
function shareSliders(rule, weights) {
  const service = rule.object.split("/").at(-1);
  const version = (name) => (name.startsWith(`${service}-`) ? name.slice(service.length + 1) : name); // of an HTTPRoute each version is a Service
  const form = element("form", "drive-form");
  const group = withChildren(element("fieldset", "sliders"), element("legend", "", "Shares"));
  let shares = toHundred(weights);
  const rows = rule.destinations.map((name, place) => {
    const slider = Object.assign(element("input"), { type: "range", min: 0, max: 100, step: 1 });
    const value = element("output");
    slider.addEventListener("input", () => {
      shares = withShare(shares, place, Number(slider.value));
      show();
      send();
    });
    group.append(withChildren(element("label", "slider"), withChildren(element("span", "slider-name"), versionBadge(service, version(name)), element("span", "", name)), slider, value));
    return { slider, value };
  });
  const show = () => rows.forEach(({ slider, value }, place) => {
    slider.value = shares[place];
    slider.ariaValueText = `${shares[place]} %`;
    value.textContent = `${shares[place]} %`;
  });
  const send = atMostEvery(dragEvery, () => makeChange({ kind: "weights", object: rule.object, rule: rule.rule, value: shares }, form));
  show();
  group.append(troubleLine());
  return withChildren(form, group);
}

// toHundred returns whole shares in proportion to weights, with a sum of 100.
function toHundred(weights) {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const exact = weights.map((weight) => (sum > 0 ? (100 * weight) / sum : 100 / weights.length));
  const whole = exact.map(Math.floor);
  const order = exact.map((share, place) => [share - whole[place], place]).sort((a, b) => b[0] - a[0] || a[1] - b[1]);
  const left = 100 - whole.reduce((total, share) => total + share, 0);
  for (const [, place] of order.slice(0, left)) whole[place]++;
  return whole;
}

// withShare gives one destination a share; the others divide the rest as before.
function withShare(shares, place, share) {
  const others = shares.filter((_, other) => other !== place);
  const sum = others.reduce((total, other) => total + other, 0);
  const rest = toHundred(sum > 0 ? others : others.map(() => 1)).map((part) => (part * (100 - share)) / 100);
  const whole = rest.map(Math.floor);
  let left = 100 - share - whole.reduce((total, part) => total + part, 0);
  for (let i = 0; left > 0; i = (i + 1) % whole.length, left--) whole[i]++;
  return shares.map((_, other) => (other === place ? share : whole[other < place ? other : other - 1]));
}

// atMostEvery calls what at most once in a time, and never twice at the same time. The last call is never lost.
function atMostEvery(time, what) {
  let busy = false;
  let again = false;
  return async function call() {
    again = busy;
    if (busy) return;
    busy = true;
    await Promise.all([what(), new Promise((done) => setTimeout(done, time))]);
    busy = false;
    if (again) call();
  };
}
