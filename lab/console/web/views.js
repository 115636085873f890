// The views of the page: each has an address, an element, and a script that adds it.

const views = [];
let current = null; // the view that is shown
let latest = null; // the newest state of the lab

// addView adds a view, in the order of the navigation. Its fields:
//   id     of its element in the document
//   name   in the navigation; without a name it is not listed there
//   path   its address: a string, or a regular expression whose group is passed to open
//   within the address of the view in the navigation that it belongs to
//   title  returns the title of the document; without it, the name is the title
//   open   is called each time the view is shown, with the group of the path and the query of the address
//   close  is called when another view is shown
//   show   is called with the lab's state while the view is shown: first when it is opened, then with every change
function addView(view) {
  views.push(view);
}

// missing is shown at an address that no view has.
const missing = { id: "missing", title: () => "No such page", open: () => (byId("missing-address").textContent = location.pathname) };

// findView returns the view at an address, and the group of its path.
function findView(path) {
  for (const view of views) {
    const found = typeof view.path === "string" ? view.path === path && [path, ""] : view.path.exec(path);
    if (found) return { view, part: found[1] };
  }
  return {};
}

function isShown(id) {
  return current?.id === id;
}

// route shows the view at the address of the page.
function route() {
  const { view = missing, part } = findView(location.pathname);
  current?.close?.();
  current = view;
  closeDrawer();
  for (const { id } of [...views, missing]) byId(id).hidden = id !== view.id;
  for (const link of byId("views").querySelectorAll("a")) {
    if (link.pathname === location.pathname) link.ariaCurrent = "page";
    else if (link.pathname === view.within) link.ariaCurrent = "true";
    else link.removeAttribute("aria-current");
  }
  document.title = `${view.title?.(part) ?? view.name} · Hopline console`;
  view.open?.(part, new URLSearchParams(location.search));
  if (latest) view.show?.(latest);
}

// go shows the view at another address of the page.
function go(address) {
  history.pushState(null, "", address);
  route();
  scrollTo(0, 0);
}

// focusView gives the focus to the first control of the view, after the one that had it has gone.
function focusView() {
  controlsOf(byId(current.id)).slice(1).find((control) => control.checkVisibility())?.focus();
}

// giveBack gives the focus back to the control that had it, or to the one of its name that was drawn in its place, or else to the view.
function giveBack(control) {
  if (control?.isConnected) return control.focus();
  const same = ({ ariaLabel, dataset }) => (control.dataset.part ? dataset.part === control.dataset.part : ariaLabel && ariaLabel === control.ariaLabel);
  const next = control && [...document.querySelectorAll(control.tagName)].find((other) => same(other) && other.checkVisibility());
  if (next) next.focus();
  else focusView();
}

function showState(state) {
  latest = state;
  showHeadOf(state);
  current?.show?.(state);
}

// listViews fills the navigation.
function listViews() {
  for (const { name, path } of views.filter((view) => view.name)) {
    const link = element("a", "", name);
    link.href = path;
    byId("views").append(withChildren(element("li"), link));
  }
}

// Links to views do not load the page anew. With a key held, the browser does what it always does.
document.addEventListener("click", (event) => {
  const anchor = event.target.closest("a[href]");
  if (!anchor || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const to = new URL(anchor.href.baseVal ?? anchor.href, location.href);
  if (to.origin !== location.origin || (to.hash && to.pathname === location.pathname) || !findView(to.pathname).view) return;
  event.preventDefault();
  go(to.pathname + to.search);
});
addEventListener("popstate", route);
