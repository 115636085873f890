// Small things that every page needs. Text from outside goes in as text, never as markup.

function byId(id) {
  return document.getElementById(id);
}

function element(name, className = "", text = "") {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}
