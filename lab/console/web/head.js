// The head of the page, the same in every view: what runs, links, and why the newest edit does not run.

function showHeadOf(state) {
  byId("edition").textContent = state.edition;
  const elsewhere = state.links.filter((link) => !link.url.startsWith(`${location.origin}/`));
  settle(byId("links"), elsewhere, (link) => link.name, linkOf);
  showProblems(state.problems);
  showDriving(state);
}

function linkOf(link) {
  const anchor = element("a", "", link.name);
  anchor.href = /^https?:/.test(link.url) ? link.url : "#";
  anchor.title = link.url;
  return anchor;
}

function showProblems(problems) {
  const box = byId("problems");
  box.hidden = problems.length === 0;
  if (box.settled === JSON.stringify(problems)) return;
  box.settled = JSON.stringify(problems);
  const list = element("ul");
  for (const { place, object, path, reason } of problems) {
    const item = element("li");
    if (place) item.append(element("code", "place", place), " ");
    if (object) item.append(element("b", "", object), " ");
    if (path) item.append(element("code", "", path), " ");
    item.append(element("span", "", reason));
    list.append(item);
  }
  const heading = element("h2", "", "The newest edit does not run");
  const calm = element("p", "", "The previous state keeps running. Fix the file and save it; then this message disappears.");
  box.replaceChildren(...(problems.length ? [heading, list, calm] : []));
}
